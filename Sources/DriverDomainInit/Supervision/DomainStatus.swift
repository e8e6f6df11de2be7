import RingTransport

/// What the domain says about itself below `data/driver-domain`, which libxl lets it write.
struct DomainStatus {
  /// How far the domain is.
  enum State: String {
    /// Devices or volumes are still missing, within the time allowed.
    case starting
    /// Guests are served.
    case ready
    /// Guests are served, but not all that was configured is there.
    case failed
    case stopping
  }

  var state = State.starting
  /// What is wrong, in the order found.
  var errors: [String] = []
  /// What can be used as `target=`.
  var devices: [BlockDevice] = []
  /// Whether the links of the devices are ours to announce.
  var announcesLinks = true
  /// NICs, bridges and addresses; nil where there is no network backend.
  var network: NetworkSummary?
  /// What became of captures, newest last.
  var captured: [(node: String, text: String)] = []
  /// How often the backends of devices were restarted.
  var restarts: [BackendLeaf: Int] = [:]
  /// The newest answer to Dom0's question what backends have done.
  var report: StatisticsReport?
  /// What became of programs that were to be updated.
  var updated: [BackendPrograms.Role: String] = [:]

  /// A domain may own 1000 nodes by default, and each guest's disk needs about 25.
  static let targetCountMax = 64
  /// The same for each of the lists of the network.
  static let networkNodeCountMax = 32
  /// The same for restarts, of which the first in order are told.
  static let restartNodeCountMax = 64
  /// xenstored's limit for a node of a guest is 2048 bytes, with its name and access list.
  static let valueByteCountMax = 1024

  private static let root = "data/driver-domain"
  /// Where Dom0 writes what is to be captured.
  static let captureDirectory: XenStorePath = "data/driver-domain/capture"
  /// Where Dom0 writes which programs are to be replaced by which files.
  static let updateDirectory: XenStorePath = "data/driver-domain/update"

  /// All nodes with their values.
  var nodes: [XenStorePath: String] {
    var nodes: [String: String] = [
      "status": state.rawValue,
      "version": SuiteVersion.current,
      "error": errors.joined(separator: "; "),
    ]
    let plan = announcesLinks ? DeviceLinks.plan(for: devices) : DeviceLinks.Plan()
    for device in devices.prefix(Self.targetCountMax) {
      let links = device.links.filter { plan.targets[$0] == device.name }
      let names = ["/dev/" + device.name] + links.map { "/dev/disk/" + $0 }
      let mode = device.isReadOnly ? " read-only" : ""
      nodes["targets/\(device.name)"] =
        "\(device.byteCount) bytes\(mode) " + names.joined(separator: " ")
    }
    if let network {
      add(network.interfaces, below: "interfaces", to: &nodes)
      add(network.bridges, below: "bridges", to: &nodes)
      add(network.addresses, below: "address", to: &nodes)
    }
    for (node, text) in captured { nodes["captured/\(node)"] = text }
    for (role, text) in updated { nodes["updated/\(role.rawValue)"] = text }
    nodes.merge(report?.nodes ?? [:]) { _, new in new }
    for leaf in restarts.keys.sorted().prefix(Self.restartNodeCountMax) {
      let name = "\(leaf.kind.rawValue)-\(leaf.frontendDomain)-\(leaf.device)"
      nodes["devices/\(name)"] = "restarts \(restarts[leaf] ?? 0)"
    }
    var result: [XenStorePath: String] = [:]
    for (name, value) in nodes {
      // A kernel name may hold characters that XenStore forbids ("cciss!c0d0"): left out.
      guard let path = XenStorePath("\(Self.root)/\(name)") else { continue }
      result[path] = String(decoding: value.utf8.prefix(Self.valueByteCountMax), as: UTF8.self)
    }
    return result
  }

  private func add(
    _ texts: [String: String], below directory: String, to nodes: inout [String: String]
  ) {
    let names = texts.keys.sorted(by: InterfaceName.precedes)
    for name in names.prefix(Self.networkNodeCountMax) {
      nodes["\(directory)/\(InterfaceName.nodeName(name))"] = texts[name]
    }
  }

  /// Takes away what an earlier init of the same domain may have left. The parent is made first,
  /// for removing below a missing one is an error.
  static let cleaning: [XenStoreOperation] = [
    .makeDirectory("data/driver-domain"), .remove("data/driver-domain/targets"),
    .remove("data/driver-domain/interfaces"), .remove("data/driver-domain/bridges"),
    .remove("data/driver-domain/address"), .remove("data/driver-domain/captured"),
    .remove("data/driver-domain/devices"), .remove("data/driver-domain/updated"),
    .remove("data/driver-domain/statistics"), .remove("data/driver-domain/reported"),
  ]

  /// The operations that lead from what is published to this.
  func operations(after published: [XenStorePath: String]) -> [XenStoreOperation] {
    let nodes = nodes
    var operations: [XenStoreOperation] = published.keys.filter { nodes[$0] == nil }
      .sorted { $0.description < $1.description }.map { .remove($0) }
    for (path, value) in nodes.sorted(by: { $0.key.description < $1.key.description })
    where published[path] != value {
      operations.append(.write(path, value))
    }
    return operations
  }
}
