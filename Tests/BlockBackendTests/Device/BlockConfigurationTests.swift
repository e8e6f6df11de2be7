import RingTransport
import Testing

@testable import BlockBackend

/// What libxl may write into a leaf, and what not.
struct BlockConfigurationTests {
  private static let good = [
    "frontend": "/local/domain/3/device/vbd/51712", "params": "/dev/vda1", "mode": "w",
    "removable": "0", "device-type": "disk", "discard-enable": "1",
  ]

  @Test func aDisk() throws {
    let configuration = try judge(Self.good)
    #expect("\(configuration.frontend)" == "/local/domain/3/device/vbd/51712")
    #expect(
      configuration.target
        == BlockTarget.Request(path: "/dev/vda1", isReadOnly: false, allowsDiscard: true))
    #expect(!configuration.isRemovable && !configuration.isCompactDisc)
  }

  @Test func whatMayBeMissing() throws {
    var nodes = Self.good
    for node in ["removable", "device-type", "discard-enable"] { nodes[node] = nil }
    #expect(try judge(nodes) == judge(Self.good))
  }

  @Test func aReadOnlyCompactDisc() throws {
    var nodes = Self.good
    nodes["mode"] = "r"
    nodes["device-type"] = "cdrom"
    nodes["removable"] = "1"
    nodes["discard-enable"] = "0"
    let configuration = try judge(nodes)
    #expect(configuration.target.isReadOnly && !configuration.target.allowsDiscard)
    #expect(configuration.isRemovable && configuration.isCompactDisc)
  }

  @Test(arguments: ["frontend", "params", "mode"])
  func whatMustBeThere(node: String) {
    var nodes = Self.good
    nodes[node] = nil
    #expect(throws: BlockConfigurationError.bad(node: node, value: nil)) { try judge(nodes) }
  }

  @Test(arguments: [
    ("mode", "rw"), ("mode", ""), ("mode", "W"), ("device-type", "floppy"), ("removable", "2"),
    ("discard-enable", "yes"), ("frontend", "no path//"),
  ])
  func whatIsNoValue(node: String, value: String) {
    var nodes = Self.good
    nodes[node] = value
    #expect(throws: BlockConfigurationError.bad(node: node, value: value)) { try judge(nodes) }
  }

  @Test func imageFormatsAreNotOurs() {
    var nodes = Self.good
    nodes["params"] = "qcow2:/images/disk.qcow2"
    #expect(throws: BlockConfigurationError.unsupportedFormat("qcow2")) {
      try judge(nodes, leaf: "/local/domain/1/backend/qdisk/3/51712")
    }
  }

  private func judge(
    _ nodes: [String: String], leaf text: String = "/local/domain/1/backend/vbd/3/51712"
  ) throws -> BlockConfiguration {
    let leaf = try #require(BackendLeaf(text))
    return try BlockConfiguration(
      leaf: leaf, values: BlockConfiguration.nodes.map { nodes[$0] })
  }
}
