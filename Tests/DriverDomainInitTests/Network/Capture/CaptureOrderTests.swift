import Testing

@testable import DriverDomainInit

@Suite struct CaptureOrderTests {
  private func order(_ text: String, in directories: [String]? = ["/v"]) -> CaptureOrder? {
    try? CaptureOrder(text, interface: "vif2.0", directories: directories)
  }

  @Test func fileAndLimitAreRead() {
    #expect(order("/v/a.pcap")?.limitMiB == CaptureOrder.limitMiBDefault)
    #expect(order("/v/d/a.pcap 5")?.limitMiB == 5)
    #expect(order("/v/d/a.pcap 5")?.file == "/v/d/a.pcap")
    #expect(order("/anywhere", in: nil) != nil)
  }

  @Test(arguments: [
    "", " ", "a.pcap", "/v", "/v/", "/vv/a", "/w/a", "/v/../etc/a", "/v/./a", "/v/a 0", "/v/a -1",
    "/v/a 65537", "/v/a x", "/v/a 5 6",
  ])
  func restIsRefused(text: String) {
    #expect(order(text) == nil)
  }

  @Test func withoutVolumesThereIsNoPlace() {
    #expect(order("/v/a", in: []) == nil)
  }
}
