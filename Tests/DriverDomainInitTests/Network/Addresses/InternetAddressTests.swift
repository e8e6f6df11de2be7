import Testing

@testable import DriverDomainInit

@Suite struct InternetAddressTests {
  @Test(arguments: ["0.0.0.0", "192.0.2.7", "255.255.255.255", "2001:db8::7", "::", "fe80::1"])
  func textIsKept(text: String) {
    let address = InternetAddress(text)
    #expect(address?.description == text)
    #expect(address?.isIPv6 == text.contains(":"))
  }

  @Test func bracketsAreForIPv6() {
    #expect(InternetAddress("[2001:db8::7]") == InternetAddress("2001:db8::7"))
    #expect(InternetAddress("[192.0.2.7]") == nil)
  }

  @Test(arguments: ["", "1.2.3", "1.2.3.4.5", "1.2.3.256", "g::", "1::2::3", "host", "1.2.3.4 "])
  func refusesWhatIsNone(text: String) {
    #expect(InternetAddress(text) == nil)
  }

  @Test func numbersAreInTheOrderOfTheWire() {
    #expect(InternetAddress(v4: 0xC000_0207).description == "192.0.2.7")
    #expect(InternetAddress("192.0.2.7")?.v4Number == 0xC000_0207)
    #expect(InternetAddress("::1")?.v4Number == nil)
    #expect(InternetAddress([1, 2, 3]) == nil)
  }

  @Test func interfaceAddressHasAPrefix() {
    let address = InterfaceAddress("192.0.2.7/24")
    #expect(address?.description == "192.0.2.7/24")
    #expect(address?.broadcast?.description == "192.0.2.255")
    #expect(InterfaceAddress("[2001:db8::7]/64")?.prefixLength == 64)
    #expect(InterfaceAddress("[2001:db8::7]/64")?.broadcast == nil)
    #expect(InterfaceAddress("192.0.2.7/31")?.broadcast == nil)
    #expect(InterfaceAddress("192.0.2.7/1")?.broadcast?.description == "255.255.255.255")
  }

  @Test(arguments: [
    "192.0.2.7", "192.0.2.7/", "192.0.2.7/0", "192.0.2.7/33", "192.0.2.7/+8", "192.0.2.7/08",
    "192.0.2.7/24/1", "2001:db8::/129", "/24",
  ])
  func refusesWhatHasNoPrefix(text: String) {
    #expect(InterfaceAddress(text) == nil)
  }

  @Test func networkContainsItsAddresses() throws {
    let network = try #require(InterfaceAddress("192.0.2.130/25"))
    #expect(network.contains(try #require(InternetAddress("192.0.2.254"))))
    #expect(!network.contains(try #require(InternetAddress("192.0.2.127"))))
    #expect(!network.contains(try #require(InternetAddress("::1"))))
    let host = try #require(InterfaceAddress("192.0.2.130/32"))
    #expect(!host.contains(try #require(InternetAddress("192.0.2.131"))))
  }
}
