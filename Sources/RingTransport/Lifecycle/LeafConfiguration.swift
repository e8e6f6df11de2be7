/// What the toolstack wants a device to be: nodes that it has written into the leaf, and hardly
/// ever changes.
///
/// Init reads them ahead and tells a process that takes a device over (``BackendOrder``). So that
/// process need not ask XenStore first, and need not believe what a dead process has kept.
public struct LeafConfiguration: Hashable, Sendable {
  /// The values by their nodes' names; nil for a node that is not there.
  public var values: [String: String?]

  /// A configuration with these values.
  public init(_ values: [String: String?]) {
    self.values = values
  }

  /// The values of nodes, in their order; nil when it does not know one of them.
  public func list(_ nodes: [String]) -> [String?]? {
    let known = nodes.compactMap { values[$0] }
    return known.count == nodes.count ? known : nil
  }

  /// The nodes that say what a device is, by what libxl writes (`libxl_disk.c`, `libxl_nic.c`).
  public static func nodes(of kind: BackendLeaf.Kind) -> [String] {
    switch kind {
    case .virtualBlockDevice, .qemuDisk:
      ["frontend", "params", "mode", "removable", "device-type", "discard-enable"]
    case .virtualInterface: ["frontend", "mac", "ip", "rate"]
    }
  }
}
