import RingTransport

/// What init tells a spare about the device that it is to take over.
extension DriverDomain where Transport: ~Copyable {
  /// Has a leaf read that has a process now.
  func beginConfiguration(of leaf: BackendLeaf) {
    guard client != nil else { return }
    if configurations.begin(leaf) { readConfiguration(of: leaf) }
  }

  /// Nodes of a leaf that say what the device is have changed.
  func changeConfiguration(of leaf: BackendLeaf) {
    if configurations.change(leaf) { readConfiguration(of: leaf) }
    updateSuccessors()
  }

  /// Takes the values of a leaf.
  func finishConfiguration(
    of leaf: BackendLeaf, _ results: [Result<XenStoreReply, XenStoreError>]
  ) {
    var values: [String?]? = []
    for result in results {
      switch result {
      case .success(.value(let value)): values?.append(value)
      case .failure(.noEntry): values?.append(nil)
      case .success, .failure: values = nil
      }
    }
    if configurations.finish(leaf, values) { readConfiguration(of: leaf) }
    updateSuccessors()
  }

  private func readConfiguration(of leaf: BackendLeaf) {
    submit(
      LeafConfiguration.nodes(of: leaf.kind).map { .read(leaf.node($0)) },
      for: .readConfiguration(leaf))
  }
}
