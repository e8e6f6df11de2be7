import RingTransport

/// What the toolstack wants a disk to be: the nodes that libxl writes into the leaf
/// (`libxl_disk.c`). Bad configuration is refused before anything is touched.
struct BlockConfiguration: Sendable, Equatable {
  /// The frontend's directory.
  let frontend: XenStorePath
  let target: BlockTarget.Request
  let isRemovable: Bool
  let isCompactDisc: Bool

  /// The nodes that ``init(leaf:values:)`` wants, in its order.
  static let nodes = LeafConfiguration.nodes(of: .virtualBlockDevice)

  /// Judges the nodes' values; nil stands for a node that is not there.
  init(leaf: BackendLeaf, values: [String?]) throws(BlockConfigurationError) {
    precondition(values.count == Self.nodes.count)
    guard let text = values[0], let frontend = XenStorePath(text) else {
      throw .bad(node: "frontend", value: values[0])
    }
    guard let parameters = values[1] else { throw .bad(node: "params", value: nil) }
    if leaf.kind == .qemuDisk {
      let format = parameters.prefix { $0 != ":" }
      throw .unsupportedFormat(String(format))
    }
    let isReadOnly: Bool
    switch values[2] {
    case "r"?: isReadOnly = true
    case "w"?: isReadOnly = false
    default: throw .bad(node: "mode", value: values[2])
    }
    switch values[4] {
    case nil, "disk"?: isCompactDisc = false
    case "cdrom"?: isCompactDisc = true
    default: throw .bad(node: "device-type", value: values[4])
    }
    self.frontend = frontend
    isRemovable = try Self.flag(values[3], node: "removable", otherwise: false)
    target = BlockTarget.Request(
      path: parameters, isReadOnly: isReadOnly,
      allowsDiscard: try Self.flag(values[5], node: "discard-enable", otherwise: true))
  }

  private static func flag(
    _ value: String?, node: String, otherwise: Bool
  ) throws(BlockConfigurationError) -> Bool {
    switch value {
    case nil: return otherwise
    case "0"?: return false
    case "1"?: return true
    default: throw .bad(node: node, value: value)
    }
  }
}

/// Why a leaf's nodes make no disk.
enum BlockConfigurationError: Error, Equatable, CustomStringConvertible {
  case bad(node: String, value: String?)
  case unsupportedFormat(String)

  var description: String {
    switch self {
    case .bad(let node, nil): "the disk's '\(node)' node is missing or cannot be read"
    case .bad(let node, let value?): "the disk's '\(node)' node says '\(value)', which is no value"
    case .unsupportedFormat(let format):
      "disk format '\(format)' is not supported by this driver domain; use format=raw"
    }
  }
}
