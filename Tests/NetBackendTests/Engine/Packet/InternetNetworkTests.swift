import Testing

@testable import NetBackend

struct InternetNetworkTests {
  @Test(arguments: [
    ("192.0.2.1", "192.0.2.1/32"), ("192.0.2.255/25", "192.0.2.128/25"), ("1.2.3.4/0", "0.0.0.0/0"),
    ("2001:db8::1", "2001:db8:0:0:0:0:0:1/128"),
    ("2001:db8:ffff::/33", "2001:db8:8000:0:0:0:0:0/33"),
    ("::ffff:10.0.0.1", "0:0:0:0:0:ffff:a00:1/128"), ("fe80::1/64", "fe80:0:0:0:0:0:0:0/64"),
  ])
  func addresses(text: String, canonical: String) {
    #expect(InternetNetwork(text)?.description == canonical)
    #expect(InternetNetwork(canonical) == InternetNetwork(text))
  }

  @Test(arguments: [
    "", "/", "/8", "1.2.3.4/8/8", "1.2.3.4/08", "1.2.3.4/+8", "1.2.3.4 ", "1.2.3", "1.2.3.256",
    "1.2.3.4\0", "fe80::1%eth0", "::/129", "1.2.3.4/256", ":::", "0x1.2.3.4",
  ])
  func otherTexts(text: String) {
    #expect(InternetNetwork(text) == nil)
  }

  @Test func masks() {
    #expect(InternetNetwork.mask(of: 0, word: 0) == 0)
    #expect(InternetNetwork.mask(of: 1, word: 0) == 0x8000_0000)
    #expect(InternetNetwork.mask(of: 32, word: 0) == .max)
    #expect(InternetNetwork.mask(of: 33, word: 0) == .max)
    #expect(InternetNetwork.mask(of: 33, word: 1) == 0x8000_0000)
    #expect(InternetNetwork.mask(of: 33, word: 2) == 0)
  }
}
