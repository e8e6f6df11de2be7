import RingTransport
import Logging

/// What becomes of processes.
extension Supervisor {
  mutating func started(_ leaf: BackendLeaf, process: Int32, now: UInt64) -> [Action] {
    guard var entry = entries[leaf], case .starting = entry.phase else {
      // Nothing asked for it; it must not run beside another.
      return [.kill(process: process)]
    }
    entry.phase = .running(process: process, since: now)
    entries[leaf] = entry
    let line = Action.log(.info, "backend runs as process \(process)", leaf)
    return shutdown == .no ? [line] : [line, .terminate(process: process)]
  }

  mutating func exited(_ process: Int32, end: ProcessEnd, now: UInt64) -> [Action] {
    for leaf in leaves {
      if case .running(process, let since) = entries[leaf]?.phase {
        return died(leaf, end: end, ranMilliseconds: now - since)
      }
    }
    // PID 1 also reaps orphans of backends, and a backend it killed for having no leaf.
    return []
  }

  mutating func died(_ leaf: BackendLeaf, end: ProcessEnd, ranMilliseconds: UInt64) -> [Action] {
    guard var entry = entries[leaf] else { return [] }
    if shutdown != .no {
      entries[leaf] = nil
      let line = Action.log(end.isSuccess ? .info : .warning, "backend ended (\(end))", leaf)
      return [line] + finishIfIdle()
    }
    entry.phase = .dead(end, ranMilliseconds: ranMilliseconds)
    entries[leaf] = entry
    return [.observe(leaf)]
  }

  mutating func timeReached(now: UInt64) -> [Action] {
    var actions: [Action] = []
    for leaf in leaves {
      guard var entry = entries[leaf] else { continue }
      if case .waiting(let until) = entry.phase, until <= now, shutdown == .no {
        entry.phase = .starting(at: now)
        actions.append(.start(leaf))
      }
      actions += pressOrphan(&entry, leaf, now: now)
      entries[leaf] = entry
    }
    return actions + continueStop(now: now)
  }

  private func pressOrphan(_ entry: inout Entry, _ leaf: BackendLeaf, now: UInt64) -> [Action] {
    guard case .running(let process, _) = entry.phase else { return [] }
    switch entry.orphan {
    case .noticed(let at) where at + Self.orphanMilliseconds <= now:
      entry.orphan = .terminated(at: now)
      return [
        .log(.warning, "backend outlives its device; asked to end", leaf),
        .terminate(process: process),
      ]
    case .terminated(let at) where at + Self.terminationMilliseconds <= now:
      entry.orphan = .killed
      return [.log(.error, "backend does not end; killed", leaf), .kill(process: process)]
    default: return []
    }
  }

  mutating func stop(now: UInt64) -> [Action] {
    guard shutdown == .no else { return [] }
    shutdown = .draining(until: now + stopMilliseconds)
    // What does not run will not; what is being started reports itself and is stopped then.
    entries = entries.filter { _, entry in
      switch entry.phase {
      case .starting, .running: true
      case .dead, .waiting, .held: false
      }
    }
    return runningProcesses.map { .terminate(process: $0) } + finishIfIdle()
  }

  private mutating func continueStop(now: UInt64) -> [Action] {
    switch shutdown {
    case .draining(let until) where until <= now:
      shutdown = .killing(until: now + Self.killMilliseconds)
      return leaves.map { .log(.error, "backend does not drain; killed", $0) }
        + runningProcesses.map { .kill(process: $0) }
    case .killing(let until) where until <= now:
      shutdown = .done
      return leaves.map { .log(.error, "backend cannot be killed; left behind", $0) }
        + [.stopped]
    default: return []
    }
  }

  private mutating func finishIfIdle() -> [Action] {
    guard entries.isEmpty, shutdown != .no, shutdown != .done else { return [] }
    shutdown = .done
    return [.stopped]
  }

  private var runningProcesses: [Int32] {
    leaves.compactMap { leaf in
      if case .running(let process, _) = entries[leaf]?.phase { process } else { nil }
    }
  }
}
