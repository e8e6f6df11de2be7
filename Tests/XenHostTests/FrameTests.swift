import Testing

@testable import XenHost

/// The framing of the agents' answers, which kernel messages must not break.
@Suite("Frames")
struct FrameTests {
  /// `hello`, as the agent sends it.
  let answer = Array("\u{2}r1 0 3610a686 aGVs\nbG8=\n\u{3}\n".utf8)

  @Test("an answer between console text")
  func parsesFrame() {
    var parser = FrameParser()
    let elements = parser.parse(Array("boot\n".utf8) + answer)
    #expect(elements.count == 3)
    #expect(elements.first == .text(Array("boot\n".utf8)))
    guard case .frame(let frame) = elements[1] else {
      Issue.record("no frame")
      return
    }
    #expect(frame.id == "r1")
    #expect(frame.status == 0)
    #expect(frame.body == Array("hello".utf8))
  }

  @Test("an answer that arrives byte by byte")
  func parsesPieces() {
    var parser = FrameParser()
    let frames = answer.flatMap { parser.parse([$0]) }.filter {
      if case .frame = $0 { true } else { false }
    }
    #expect(frames.count == 1)
    #expect(parser.unfinished == nil)
  }

  @Test("a kernel message anywhere in an answer makes it text", arguments: 1..<22)
  func rejectsDamage(position: Int) {
    var parser = FrameParser()
    var damaged = answer
    damaged.insert(contentsOf: Array("[    1.5] x: y\r\n".utf8), at: position)
    for element in parser.parse(damaged) {
      if case .frame = element { Issue.record("accepted a damaged frame") }
    }
  }

  @Test("the check sum is zlib's")
  func computesSum() {
    #expect(crc32(Array("123456789".utf8)) == 0xCBF4_3926)
  }
}
