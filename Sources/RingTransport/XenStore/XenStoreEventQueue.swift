/// Events on their way to the owner of a ``XenStoreClient``, in the order of their arrival.
///
/// A guest can change the nodes below its own frontend as often as it likes, and create new ones;
/// each change is an event for us (XSA-349). So an event that says what a waiting one says is
/// dropped, and a token has at most ``pendingPathsPerTokenMax`` waiting events: what comes after
/// is told as one event for the watch's own path, which stands for everything below it.
struct XenStoreEventQueue {
  private struct Key: Hashable {
    var path: XenStorePath
    var token: String
  }

  /// Far above what an honest peer causes in one turn of the loop (a leaf has about 30 nodes), and
  /// small enough that hundreds of watches fit into a domain of 64 MB.
  static let pendingPathsPerTokenMax = 64

  private var entries: [XenStoreEvent] = []
  private var pending: Set<Key> = []
  private var pendingCounts: [String: Int] = [:]
  private var watchedPaths: [String: [XenStorePath]] = [:]

  /// Remembers a watch; events with a token that no watch has are dropped.
  mutating func addWatch(_ path: XenStorePath, token: String) {
    if watchedPaths[token]?.contains(path) == true { return }
    watchedPaths[token, default: []].append(path)
  }

  /// Forgets a watch, and the events that it still has waiting.
  mutating func removeWatch(_ path: XenStorePath, token: String) {
    watchedPaths[token]?.removeAll { $0 == path }
    let remaining = watchedPaths[token] ?? []
    if remaining.isEmpty { watchedPaths[token] = nil }
    entries.removeAll { entry in
      guard case .watch(let event, token) = entry, path.contains(event) else { return false }
      return !remaining.contains { $0.contains(event) }
    }
    recount()
  }

  /// Takes an event from the server.
  mutating func appendWatch(_ path: XenStorePath, token: String) {
    guard let watched = watchedPaths[token], let first = watched.first else { return }
    var path = path
    if pendingCounts[token, default: 0] >= Self.pendingPathsPerTokenMax {
      path = watched.first { $0.contains(path) } ?? first
    }
    guard pending.insert(Key(path: path, token: token)).inserted else { return }
    pendingCounts[token, default: 0] += 1
    entries.append(.watch(path: path, token: token))
  }

  /// Adds a batch's completion.
  mutating func append(_ completion: XenStoreEvent) {
    entries.append(completion)
  }

  /// The event that has waited longest.
  mutating func next() -> XenStoreEvent? {
    guard !entries.isEmpty else { return nil }
    let event = entries.removeFirst()
    if case .watch(let path, let token) = event {
      pending.remove(Key(path: path, token: token))
      let count = pendingCounts[token, default: 1] - 1
      pendingCounts[token] = count > 0 ? count : nil
    }
    return event
  }

  /// The completion of one batch, past all that waits before it.
  mutating func takeCompletion(
    of identifier: XenStoreBatchIdentifier
  ) -> [Result<XenStoreReply, XenStoreError>]? {
    for (index, entry) in entries.enumerated() {
      if case .completed(identifier, let results) = entry {
        entries.remove(at: index)
        return results
      }
    }
    return nil
  }

  private mutating func recount() {
    pending.removeAll(keepingCapacity: true)
    pendingCounts.removeAll(keepingCapacity: true)
    for case .watch(let path, let token) in entries {
      pending.insert(Key(path: path, token: token))
      pendingCounts[token, default: 0] += 1
    }
  }
}
