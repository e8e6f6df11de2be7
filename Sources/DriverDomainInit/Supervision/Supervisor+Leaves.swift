import RingTransport
import Logging

/// What XenStore says about leaves.
extension Supervisor {
  /// `XenbusStateConnected` of xen/io/xenbus.h.
  static let connectedState = 4

  mutating func observed(_ leaf: BackendLeaf, state: Int?, now: UInt64) -> [Action] {
    guard shutdown == .no else { return [] }
    guard var entry = entries[leaf] else { return appeared(leaf, state: state, now: now) }
    entry.state = state
    // It is there again, so whatever runs for it is no orphan. A process that was already told
    // to leave goes, and its death starts the next one.
    if entry.orphan != nil, entry.orphan != .missed, entry.killedAt != nil { entry.killedAt = now }
    switch entry.orphan {
    case .noticed: entry.orphan = nil
    case .killed: entry.orphan = .missed
    case .terminated, .missed, nil: break
    }
    entries[leaf] = entry
    guard case .dead(let end, let ranMilliseconds) = entry.phase else { return [] }
    return next(leaf, after: end, ranMilliseconds: ranMilliseconds, now: now)
  }

  private mutating func appeared(_ leaf: BackendLeaf, state: Int?, now: UInt64) -> [Action] {
    guard entries.count < Self.deviceCountMax else {
      guard refused.count < Self.deviceCountMax, refused.insert(leaf).inserted else { return [] }
      return [.log(.error, "more than \(Self.deviceCountMax) devices; not served", leaf)]
    }
    refused.remove(leaf)
    // A connected one was served before this init began; its process adopts it.
    entries[leaf] = Entry(phase: .starting(at: now), state: state)
    return [.start(leaf)]
  }

  mutating func vanished(_ leaf: BackendLeaf, now: UInt64) -> [Action] {
    refused.remove(leaf)
    guard var entry = entries[leaf] else { return [] }
    entry.state = nil
    switch entry.phase {
    case .starting, .running:
      if entry.orphan == nil { entry.orphan = .noticed(at: now) }
      if entry.orphan == .missed { entry.orphan = .killed }
      entries[leaf] = entry
      return []
    case .dead, .waiting:
      entries[leaf] = nil
      return [.release(leaf)] + (refused.isEmpty ? [] : [.list])
    }
  }

  mutating func listed(_ present: [BackendLeaf], now: UInt64) -> [Action] {
    let presentSet = Set(present)
    var actions: [Action] = []
    for leaf in leaves where !presentSet.contains(leaf) {
      actions += vanished(leaf, now: now)
    }
    refused.formIntersection(presentSet)
    // A new leaf's state is read before anything is decided, as for every other.
    actions += present.sorted().map { .observe($0) }
    return actions.filter { $0 != .list }
  }
}
