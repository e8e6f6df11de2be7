import RingTransport
import Testing

@testable import DriverDomainInit

@Suite struct BackendLeafTests {
  private let leaf = BackendLeaf(
    kind: .virtualBlockDevice, guest: DomainIdentifier(rawValue: 2), device: 51712)

  @Test func pathIsThatOfLibxl() {
    #expect(leaf.description == "backend/vbd/2/51712")
    #expect(leaf.statePath == "backend/vbd/2/51712/state")
    #expect(BackendLeaf(kind: "qdisk", guest: "7", device: "51728")?.kind == .qemuDisk)
  }

  @Test(arguments: [
    ("vif", "2", "0"), ("vbd", "", "1"), ("vbd", "02", "1"), ("vbd", "+2", "1"),
    ("vbd", "65536", "1"), ("vbd", "2", "-1"), ("vbd", "2", "4294967296"), ("vbd", "2", "xvda"),
    ("vbd", "2", "051712"),
  ])
  func onlyCanonicalNamesAreLeaves(kind: String, guest: String, device: String) {
    #expect(BackendLeaf(kind: kind, guest: guest, device: device) == nil)
  }

  @Test func watchEventsAreSorted() {
    #expect(BackendChange(path: "backend") == .tree)
    #expect(BackendChange(path: "backend/vbd") == .tree)
    #expect(BackendChange(path: "backend/vbd/2") == .tree)
    #expect(BackendChange(path: "backend/vbd/2/51712") == .leaf(leaf))
    #expect(BackendChange(path: "backend/vbd/2/51712/state") == .leaf(leaf))
    #expect(BackendChange(path: "/local/domain/1/backend/vbd/2/51712/state") == .leaf(leaf))
    #expect(BackendChange(path: "backend/vbd/2/51712/sectors") == .detail)
    #expect(BackendChange(path: "backend/vbd/2/51712/state/x") == .detail)
    #expect(BackendChange(path: "backend/vif/2/0") == .detail)
    #expect(BackendChange(path: "elsewhere") == .tree)
  }
}
