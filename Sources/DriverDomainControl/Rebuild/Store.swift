import RingTransport

/// XenStore as Dom0 uses it here: requests that wait for their answers, bounded.
///
/// One thread owns it. Watch events stay in the client until ``nextChange()``.
struct Store<Transport: XenStoreTransport & ~Copyable>: ~Copyable {
  private var client: XenStoreClient<Transport>

  /// xenstored answers in microseconds; one that does not answer for so long is as good as dead,
  /// and a new `ddctl` has to find out what is the matter.
  static var timeoutMilliseconds: Int { 10_000 }
  /// Requests of one batch: a window that keeps the memory for answers small, of many thousand
  /// nodes too.
  static var batchCountMax: Int { 256 }

  init(_ transport: consuming Transport) {
    client = XenStoreClient(transport)
  }

  /// What to poll for watch events.
  var fileDescriptor: Int32 { client.fileDescriptor }

  /// Runs operations one by one, in their order, with a result for each.
  mutating func run(
    _ operations: [XenStoreOperation]
  ) throws(KeeperError) -> [Result<XenStoreReply, XenStoreError>] {
    var results: [Result<XenStoreReply, XenStoreError>] = []
    var start = 0
    while start < operations.count {
      let end = min(start + Self.batchCountMax, operations.count)
      results += try perform(Array(operations[start..<end]), transaction: false)
      start = end
    }
    return results
  }

  /// Runs operations all or none.
  ///
  /// - Returns: what was refused, nil when all was done.
  mutating func commit(
    _ operations: [XenStoreOperation]
  ) throws(KeeperError) -> XenStoreError? {
    let results = try perform(operations, transaction: true)
    var reason: XenStoreError?
    for (operation, result) in zip(operations, results) where operation.isMutating {
      guard case .failure(let error) = result else { continue }
      // Of the others it says only that one of them failed.
      if reason == nil || reason == .aborted { reason = error }
    }
    return reason
  }

  /// A node's value; nil when there is none.
  mutating func read(_ path: XenStorePath) throws(KeeperError) -> String? {
    try values(of: [path])[0]
  }

  /// The values of nodes; nil for those that are missing.
  mutating func values(of paths: [XenStorePath]) throws(KeeperError) -> [String?] {
    try run(paths.map { .read($0) }).map { result in
      guard case .success(.value(let value)) = result else { return nil }
      return value
    }
  }

  /// The children of nodes; none for those that are missing.
  ///
  /// - Parameter countMax: of each node, how many are taken. Guests and driver domains make nodes
  ///   of their own.
  mutating func children(
    of paths: [XenStorePath], countMax: Int
  ) throws(KeeperError) -> [[String]] {
    try run(paths.map { .list($0) }).map { result in
      guard case .success(.list(let names)) = result else { return [] }
      // The empty name stands for "no children" in some servers.
      return Array(names.filter { !$0.isEmpty }.prefix(countMax))
    }
  }

  /// Writes a node that only Dom0 may read.
  mutating func write(_ path: XenStorePath, _ value: String) throws(KeeperError) {
    _ = try run([.write(path, value)])
  }

  /// Removes nodes and all below them, where they are.
  mutating func remove(_ paths: [XenStorePath]) throws(KeeperError) {
    _ = try run(paths.map { .remove($0) })
  }

  /// Asks for changes at and below a node.
  mutating func watch(_ path: XenStorePath, token: String) throws(KeeperError) {
    _ = try run([.watch(path, token: token)])
  }

  /// The next change of what is watched, of those that have come.
  mutating func nextChange() throws(KeeperError) -> (path: XenStorePath, token: String)? {
    do throws(XenStoreFailure) {
      try client.process()
    } catch {
      throw .store(error)
    }
    while let event = client.nextEvent() {
      if case .watch(let path, let token) = event { return (path, token) }
    }
    return nil
  }

  private mutating func perform(
    _ operations: [XenStoreOperation], transaction: Bool
  ) throws(KeeperError) -> [Result<XenStoreReply, XenStoreError>] {
    do throws(XenStoreFailure) {
      return try client.perform(
        operations, transaction: transaction, timeoutMilliseconds: Self.timeoutMilliseconds)
    } catch {
      throw .store(error)
    }
  }
}
