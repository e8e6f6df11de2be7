import RingTransport

/// What a watch event below `backend` is about.
enum BackendChange: Equatable {
  /// One leaf appeared, vanished or changed its state.
  case leaf(BackendLeaf)
  /// One of the nodes that say what a leaf's device is has changed.
  case configuration(BackendLeaf)
  /// A directory above leaves changed: everything may be different.
  case tree
  /// A node inside a leaf that init has no interest in.
  case detail

  /// Reads a path as the watch reports it: relative, or absolute in the own domain.
  init(path: String) {
    let parts = path.split(separator: "/")
    guard let start = parts.firstIndex(of: "backend") else {
      self = .tree
      return
    }
    let names = parts[start...].dropFirst()
    guard names.count >= 3 else {
      self = .tree
      return
    }
    let first = names.startIndex
    guard
      let leaf = BackendLeaf(
        kind: names[first], frontendDomain: names[first + 1], device: names[first + 2])
    else {
      self = .detail
      return
    }
    guard names.count > 3 else {
      self = .leaf(leaf)
      return
    }
    let node = String(names[first + 3])
    if names.count > 4 {
      self = .detail
    } else if node == "state" {
      self = .leaf(leaf)
    } else if LeafConfiguration.nodes(of: leaf.kind).contains(node) {
      self = .configuration(leaf)
    } else {
      self = .detail
    }
  }
}
