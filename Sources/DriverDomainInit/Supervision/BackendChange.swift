import RingTransport

/// What a watch event below `backend` is about.
enum BackendChange: Equatable {
  /// One leaf appeared, vanished or changed its state.
  case leaf(BackendLeaf)
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
    let isOfInterest = names.count == 3 || (names.count == 4 && names[first + 3] == "state")
    self = isOfInterest ? .leaf(leaf) : .detail
  }
}
