import Testing

@testable import DriverDomainInit

@Suite struct LinkNameTests {
  @Test(arguments: [
    ("plain-1.0:a=b@c_d#e+f", "plain-1.0:a=b@c_d#e+f"),
    ("guest one/ü", #"guest\x20one\x2fü"#),
    (#"a\b"#, #"a\x5cb"#),
    ("  WD-123  \0\0", "WD-123"),
    ("..", #"\x2e\x2e"#),
    (".", #"\x2e"#),
    ("...a", "...a"),
    ("tab\there", #"tab\x09here"#),
    ("\u{FFFD}", #"\xef\xbf\xbd"#),
    ("\u{85}x\u{2028}y", #"x\xe2\x80\xa8y"#),
  ])
  func encodesAsUdevDoes(text: String, name: String) {
    #expect(LinkName.encode(text) == name)
  }

  @Test func nothingOrTooMuchIsNoName() {
    #expect(LinkName.encode("") == nil)
    #expect(LinkName.encode(" \n") == nil)
    #expect(LinkName.encode(String(repeating: "a", count: 256)) == nil)
    #expect(LinkName.encode(String(repeating: "/", count: 64)) == nil)
    #expect(LinkName.encode(String(repeating: "a", count: 255)) != nil)
  }

  @Test func anyTextGivesASafeName() {
    var generator = SeededGenerator(seed: SeededGenerator.seed(for: "link name"))
    for _ in 0..<5000 {
      let count = Int.random(in: 0...40, using: &generator)
      let bytes = (0..<count).map { _ in UInt8.random(in: 0...255, using: &generator) }
      guard let name = LinkName.encode(String(decoding: bytes, as: UTF8.self)) else { continue }
      #expect(!name.utf8.contains(UInt8(ascii: "/")))
      #expect(!name.utf8.contains(0))
      #expect(name != "." && name != "..")
      #expect(name.utf8.count <= 255)
    }
  }
}
