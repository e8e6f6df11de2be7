import RingTransport

/// What the toolstack wants each served device to be, kept current for the process that takes it
/// over in a hurry. It does no I/O: it says when a leaf is to be read.
///
/// What changes is unknown until it has been read again: a process that is told nothing asks by
/// itself.
struct LeafConfigurations {
  private enum Entry: Equatable {
    /// True when the leaf has changed since.
    case reading(isStale: Bool)
    case known(LeafConfiguration)
  }

  private var entries: [BackendLeaf: Entry] = [:]

  /// What is known of a leaf.
  subscript(leaf: BackendLeaf) -> LeafConfiguration? {
    if case .known(let configuration) = entries[leaf] { configuration } else { nil }
  }

  /// A leaf has got a process. Returns whether the leaf is to be read.
  mutating func begin(_ leaf: BackendLeaf) -> Bool {
    guard entries[leaf] == nil else { return false }
    entries[leaf] = .reading(isStale: false)
    return true
  }

  /// Nodes of a leaf have changed. Returns whether the leaf is to be read.
  mutating func change(_ leaf: BackendLeaf) -> Bool {
    guard let entry = entries[leaf] else { return false }
    if case .reading = entry {
      entries[leaf] = .reading(isStale: true)
      return false
    }
    entries[leaf] = .reading(isStale: false)
    return true
  }

  /// A leaf has been read, with values in the order of its kind's nodes; nil when that failed.
  /// Returns whether the leaf is to be read again.
  mutating func finish(_ leaf: BackendLeaf, _ values: [String?]?) -> Bool {
    guard case .reading(let isStale) = entries[leaf] else { return false }
    if isStale {
      entries[leaf] = .reading(isStale: false)
      return true
    }
    entries[leaf] = values.map { values in
      let nodes = LeafConfiguration.nodes(of: leaf.kind)
      return .known(LeafConfiguration(Dictionary(uniqueKeysWithValues: zip(nodes, values))))
    }
    return false
  }

  /// A leaf is served no more.
  mutating func end(_ leaf: BackendLeaf) {
    entries[leaf] = nil
  }

  /// Nothing is known any more: nobody tells of changes.
  mutating func endAll() {
    entries = [:]
  }
}
