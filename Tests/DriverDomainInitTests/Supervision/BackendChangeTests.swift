import RingTransport
import Testing

@testable import DriverDomainInit

@Suite struct BackendChangeTests {
  private let leaf = BackendLeaf(
    kind: .virtualBlockDevice, frontendDomain: DomainIdentifier(rawValue: 2), device: 51712)

  @Test func watchEventsAreSorted() {
    #expect(BackendChange(path: "backend") == .tree)
    #expect(BackendChange(path: "backend/vbd") == .tree)
    #expect(BackendChange(path: "backend/vbd/2") == .tree)
    #expect(BackendChange(path: "backend/vbd/2/51712") == .leaf(leaf))
    #expect(BackendChange(path: "backend/vbd/2/51712/state") == .leaf(leaf))
    #expect(BackendChange(path: "/local/domain/1/backend/vbd/2/51712/state") == .leaf(leaf))
    #expect(BackendChange(path: "backend/vbd/2/51712/sectors") == .detail)
    #expect(BackendChange(path: "backend/vbd/2/51712/params") == .configuration(leaf))
    #expect(BackendChange(path: "backend/vbd/2/51712/rate") == .detail)
    #expect(BackendChange(path: "backend/vbd/2/51712/state/x") == .detail)
    #expect(BackendChange(path: "backend/vbd/2/51712/params/x") == .detail)
    #expect(
      BackendChange(path: "backend/vif/2/0")
        == .leaf(
          BackendLeaf(
            kind: .virtualInterface, frontendDomain: DomainIdentifier(rawValue: 2), device: 0)))
    #expect(BackendChange(path: "backend/vusb/2/0") == .detail)
    #expect(BackendChange(path: "elsewhere") == .tree)
  }
}
