import Testing

@testable import DriverDomainControl

@Suite struct KeeperRequestTests {
  @Test func textsAreReadBack() {
    for kind in [KeeperRequest.Kind.restart, .upgrade(directory: "/var/lib/new image")] {
      let request = KeeperRequest(identifier: "12-34", kind: kind)
      #expect(KeeperRequest(request.text) == request)
    }
  }

  @Test(arguments: ["", "restart", "1", "1 stop", "1 restart x", "1 upgrade", "1 upgrade relative"])
  func nonsenseIsNothing(_ text: String) {
    #expect(KeeperRequest(text) == nil)
  }
}
