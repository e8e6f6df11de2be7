import RingTransport
import Testing

@testable import BlockBackend

struct BlockLeafTests {
  @Test func pathsOfLeaves() throws {
    let leaf = try #require(BlockLeaf("/local/domain/1/backend/vbd/3/51712"))
    #expect(leaf.kind == .raw)
    #expect(leaf.frontendDomain.rawValue == 3)
    #expect(leaf.device == 51712)
    #expect("\(leaf.node("state"))" == "/local/domain/1/backend/vbd/3/51712/state")
    #expect(BlockLeaf("backend/qdisk/65535/4294967295")?.kind == .formatted)
  }

  @Test(arguments: [
    "", "/", "vbd/3/51712", "backend/vbd/3", "backend/vif/3/0", "backend/vbd/65536/0",
    "backend/vbd/-1/0", "backend/vbd/3/x", "frontend/vbd/3/51712", "backend/vbd/3/4294967296",
    "backend/vbd/3/51712/state",
  ])
  func pathsOfOtherThings(text: String) {
    #expect(BlockLeaf(text) == nil)
  }
}
