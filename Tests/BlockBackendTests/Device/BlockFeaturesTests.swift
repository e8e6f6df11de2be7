import RingTransport
import Testing

@testable import BlockBackend

/// The nodes that tell a frontend about its disk.
struct BlockFeaturesTests {
  @Test func aWritableDisk() throws {
    let nodes = try written(
      BlockGeometry(
        capacityBytes: 10 << 20, logicalSectorByteCount: 4096, physicalSectorByteCount: 8192,
        discard: .init(granularityBytes: 4096, alignmentBytes: 512)))
    #expect(nodes["sectors"] == "20480", "in units of 512 bytes, whatever the sector size")
    #expect(nodes["sector-size"] == "4096")
    #expect(nodes["physical-sector-size"] == "8192")
    #expect(nodes["info"] == "0")
    #expect(nodes["feature-flush-cache"] == "1")
    #expect(nodes["feature-max-indirect-segments"] == "256")
    #expect(nodes["max-ring-page-order"] == "4")
    #expect(nodes["feature-discard"] == "1")
    #expect(nodes["discard-granularity"] == "4096")
    #expect(nodes["discard-alignment"] == "512")
    #expect(nodes["discard-secure"] == "0")
    #expect(nodes["feature-barrier"] == "1" && nodes["feature-persistent"] == nil)
  }

  @Test func whatCannotDiscardDoesNotOfferIt() throws {
    let nodes = try written(BlockGeometry(capacityBytes: 1 << 20))
    #expect(nodes.keys.allSatisfy { !$0.contains("discard") })
  }

  @Test func informationBits() throws {
    let geometry = BlockGeometry(capacityBytes: 1 << 20, isReadOnly: true)
    #expect(try written(geometry, ["mode": "r"])["info"] == "4")
    #expect(try written(geometry, ["removable": "1"])["info"] == "2")
    #expect(
      try written(geometry, ["mode": "r", "device-type": "cdrom", "removable": "1"])["info"]
        == "7")
  }

  @Test func growth() throws {
    let leaf = try leaf
    let nodes = try collect(
      BlockFeatures.capacityNodes(leaf, BlockGeometry(capacityBytes: 1 << 30)), leaf)
    #expect(nodes == ["sectors": "2097152"])
  }

  private var leaf: BackendLeaf {
    get throws { try #require(BackendLeaf("/local/domain/1/backend/vbd/3/51712")) }
  }

  private func written(
    _ geometry: BlockGeometry, _ changes: [String: String] = [:]
  ) throws -> [String: String] {
    let leaf = try leaf
    var nodes = [
      "frontend": "/local/domain/3/device/vbd/51712", "params": "/dev/vda", "mode": "w",
    ]
    nodes.merge(changes) { $1 }
    let configuration = try BlockConfiguration(
      leaf: leaf, values: BlockConfiguration.nodes.map { nodes[$0] })
    return try collect(BlockFeatures.nodes(leaf, configuration, geometry), leaf)
  }

  private func collect(
    _ operations: [XenStoreOperation], _ leaf: BackendLeaf
  ) throws -> [String: String] {
    var nodes: [String: String] = [:]
    for operation in operations {
      guard case .write(let path, let value) = operation else {
        Issue.record("\(operation)")
        continue
      }
      let prefix = "\(leaf.path)/"
      try #require("\(path)".hasPrefix(prefix))
      nodes[String("\(path)".dropFirst(prefix.count))] = value
    }
    return nodes
  }
}
