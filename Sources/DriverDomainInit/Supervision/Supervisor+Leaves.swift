import RingTransport
import Logging

/// What XenStore says about leaves.
extension Supervisor {
  /// `XenbusStateConnected` of xen/io/xenbus.h.
  static let connectedState = 4

  mutating func observed(_ leaf: BackendLeaf, state: Int?, now: UInt64) -> [Action] {
    guard shutdown == .no else { return [] }
    guard var entry = entries[leaf] else { return appeared(leaf, state: state, now: now) }
    // It is there again, so whatever runs for it is no orphan. A process that was already told
    // to leave goes, and its death starts the next one.
    if case .noticed = entry.orphan { entry.orphan = nil }
    defer { entries[leaf] = entry }
    switch entry.phase {
    case .starting, .running, .waiting: return []
    case .held:
      if state == Self.connectedState { return [] }
      entry.phase = .starting(at: now)
      return [.start(leaf)]
    case .dead(let end, let ranMilliseconds):
      let wasOrphan = entry.orphan != nil
      entry.orphan = nil
      if state == Self.connectedState {
        entry.phase = .held
        return [
          .log(
            .error, "backend died (\(end)) while connected; the guest's device stands still", leaf)
        ]
      }
      // An exit of its own will is no failure: the device was removed and given again.
      if end.isSuccess && wasOrphan { entry.backOff.reset() }
      let delay = entry.backOff.delay(afterRunOf: ranMilliseconds)
      let level: Logger.Level = end.isSuccess ? .info : .warning
      let line = Action.log(level, "backend ended (\(end)); next start in \(delay) ms", leaf)
      if delay == 0 {
        entry.phase = .starting(at: now)
        return [line, .start(leaf)]
      }
      entry.phase = .waiting(until: now + delay)
      return [line]
    }
  }

  private mutating func appeared(_ leaf: BackendLeaf, state: Int?, now: UInt64) -> [Action] {
    guard entries.count < Self.deviceCountMax else {
      guard refused.count < Self.deviceCountMax, refused.insert(leaf).inserted else { return [] }
      return [.log(.error, "more than \(Self.deviceCountMax) devices; not served", leaf)]
    }
    refused.remove(leaf)
    if state == Self.connectedState {
      entries[leaf] = Entry(phase: .held)
      return [.log(.error, "found connected without a backend; not served", leaf)]
    }
    entries[leaf] = Entry(phase: .starting(at: now))
    return [.start(leaf)]
  }

  mutating func vanished(_ leaf: BackendLeaf, now: UInt64) -> [Action] {
    refused.remove(leaf)
    guard var entry = entries[leaf] else { return [] }
    switch entry.phase {
    case .starting, .running:
      if entry.orphan == nil { entry.orphan = .noticed(at: now) }
      entries[leaf] = entry
      return []
    case .dead, .waiting, .held:
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
