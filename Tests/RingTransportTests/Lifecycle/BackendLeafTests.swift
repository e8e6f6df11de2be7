import RingTransport
import Testing

struct BackendLeafTests {
  private let leaf = BackendLeaf(
    kind: .virtualBlockDevice, frontendDomain: DomainIdentifier(rawValue: 2), device: 51712)

  @Test func pathIsThatOfLibxl() {
    #expect("\(leaf)" == "backend/vbd/2/51712")
    #expect("\(leaf.node("state"))" == "backend/vbd/2/51712/state")
    #expect(BackendLeaf("/local/domain/1/backend/vbd/2/51712") == leaf)
    #expect(BackendLeaf("backend/qdisk/65535/4294967295")?.kind == .qemuDisk)
    #expect(BackendLeaf("backend/vif/2/0")?.kind == .virtualInterface)
  }

  @Test(arguments: [
    ("vkbd", "2", "0"), ("vbd", "", "1"), ("vbd", "02", "1"), ("vbd", "+2", "1"),
    ("vbd", "65536", "1"), ("vbd", "2", "-1"), ("vbd", "2", "4294967296"), ("vbd", "2", "xvda"),
    ("vbd", "2", "051712"),
  ])
  func onlyCanonicalNamesAreLeaves(kind: String, guest: String, device: String) {
    #expect(BackendLeaf(kind: kind, frontendDomain: guest, device: device) == nil)
    #expect(BackendLeaf("backend/\(kind)/\(guest)/\(device)") == nil)
  }

  @Test(arguments: [
    "", "/", "vbd/3/51712", "backend/vbd/3", "frontend/vbd/3/51712", "backend/vbd/3/51712/state",
  ])
  func otherPathsAreNone(text: String) {
    #expect(BackendLeaf(text) == nil)
  }
}
