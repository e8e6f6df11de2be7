import RingTransport

/// The nodes of a leaf and their values.
///
/// The driver domain owns its leaves, so what is read there is its word: it is given back to the
/// same guest's next backend, and nobody else relies on it.
struct LeafContents: Equatable {
  var nodes: [String: String]

  /// A leaf has about 30 nodes; more than this is nothing that a guest was promised.
  static let nodeCountMax = 64
  /// Devices of one driver domain: a domain owns 1000 nodes by default, so 40 devices; with the
  /// limit raised, as many as are real.
  static let deviceCountMax = 1024

  var state: XenbusState? { nodes["state"].map { XenbusState(text: $0) } }
}

extension Store where Transport: ~Copyable {
  /// All leaves below a directory with `KIND/GUEST/DEVICE`, such as a domain's `backend`.
  mutating func leaves(
    below root: XenStorePath
  ) throws(KeeperError) -> [BackendLeaf: LeafContents] {
    let kinds = BackendLeaf.Kind.allCases
    let guests = try children(
      of: kinds.map { root.appending($0.rawValue) }, countMax: LeafContents.deviceCountMax)
    var directories: [(kind: BackendLeaf.Kind, guest: String)] = []
    for (kind, names) in zip(kinds, guests) { directories += names.map { (kind, $0) } }
    directories = Array(directories.prefix(LeafContents.deviceCountMax))
    let devices = try children(
      of: directories.map { root.appending($0.kind.rawValue).appending($0.guest) },
      countMax: LeafContents.deviceCountMax)
    var leaves: [BackendLeaf] = []
    for (directory, names) in zip(directories, devices) {
      leaves += names.compactMap {
        BackendLeaf(kind: directory.kind.rawValue, frontendDomain: directory.guest, device: $0)
      }
    }
    return try contents(of: Array(leaves.prefix(LeafContents.deviceCountMax)), below: root)
  }

  /// The contents of leaves that are there. One that loses a node while it is read counts as gone:
  /// half of it would take the place of what a guest was promised.
  mutating func contents(
    of leaves: [BackendLeaf], below root: XenStorePath
  ) throws(KeeperError) -> [BackendLeaf: LeafContents] {
    let directories = leaves.map { Self.directory(of: $0, below: root) }
    let names = try children(of: directories, countMax: LeafContents.nodeCountMax)
    var paths: [XenStorePath] = []
    for (directory, names) in zip(directories, names) {
      paths += names.map { directory.appending($0) }
    }
    var values = try values(of: paths)[...]
    var found: [BackendLeaf: LeafContents] = [:]
    for (leaf, names) in zip(leaves, names) where !names.isEmpty {
      var contents = LeafContents(nodes: [:])
      for name in names {
        if let value = values.popFirst() ?? nil { contents.nodes[name] = value }
      }
      if contents.nodes.count == names.count { found[leaf] = contents }
    }
    return found
  }

  private static func directory(
    of leaf: BackendLeaf, below root: XenStorePath
  ) -> XenStorePath {
    root.appending(leaf.kind.rawValue).appending(leaf.frontendDomain.description)
      .appending(String(leaf.device))
  }
}
