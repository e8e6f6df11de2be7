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
    guard let (leaf, since) = leaf(of: process) else {
      // PID 1 also reaps orphans of backends, and a backend it killed for having no leaf.
      return []
    }
    return died(leaf, end: end, ranMilliseconds: now - since, now: now)
  }

  mutating func died(
    _ leaf: BackendLeaf, end: ProcessEnd, ranMilliseconds: UInt64, now: UInt64
  ) -> [Action] {
    guard entries[leaf] != nil else { return [] }
    if shutdown != .no {
      entries[leaf] = nil
      let line = Action.log(end.isSuccess ? .info : .warning, "backend ended (\(end))", leaf)
      return [line] + finishIfIdle()
    }
    entries[leaf]?.phase = .dead(end, ranMilliseconds: ranMilliseconds)
    entries[leaf]?.killedAt = nil
    // One that was killed has not changed the state, so what is known of it is true but for what
    // the toolstack does at this moment, and the next process sees that by itself. One that ended
    // of its own will may just have removed the leaf.
    if entries[leaf]?.isConnected == true, entries[leaf]?.orphan == nil, !end.isSuccess {
      let actions = next(leaf, after: end, ranMilliseconds: ranMilliseconds, now: now)
      return shutdown == .no ? actions + [.observe(leaf)] : actions
    }
    return [.observe(leaf)]
  }

  /// Decides when the next process of a leaf that is there starts.
  mutating func next(
    _ leaf: BackendLeaf, after end: ProcessEnd, ranMilliseconds: UInt64, now: UInt64
  ) -> [Action] {
    guard var entry = entries[leaf] else { return [] }
    let wasOrphan = entry.orphan != nil
    let wasReplaced = entry.replacedAt != nil
    let wasExpected = entry.isDeathExpected
    entry.isDeathExpected = false
    entry.orphan = nil
    entry.replacedAt = nil
    var delay: UInt64 = 0
    if end.isSuccess && (wasOrphan || wasReplaced) {
      // No failure: the device was removed and given again, or the process gave way as asked.
      if wasOrphan { entry.backOff.reset() }
    } else if !wasExpected {
      delay = entry.backOff.delay(afterRunOf: ranMilliseconds, now: now)
    }
    if !entry.backOff.isExhausted { entry.isHopeless = false }
    entry.phase = .waiting(until: now + delay)
    entries[leaf] = entry
    let level: Logger.Level = end.isSuccess ? .info : .warning
    let line = Action.log(level, "backend ended (\(end)); next start in \(delay) ms", leaf)
    let escalation = entry.backOff.isExhausted ? giveUp(leaf, now: now) : []
    if delay > 0 || shutdown != .no { return [line] + escalation }
    return [line] + escalation + [launch(leaf, now: now)]
  }

  /// Begins a leaf's next start.
  private mutating func launch(_ leaf: BackendLeaf, now: UInt64) -> Action {
    entries[leaf]?.phase = .starting(at: now)
    entries[leaf]?.restartCount += 1
    return entries[leaf]?.isConnected == true ? .follow(leaf) : .start(leaf)
  }

  mutating func hung(_ process: Int32, now: UInt64) -> [Action] {
    guard let (leaf, _) = leaf(of: process), entries[leaf]?.killedAt == nil else { return [] }
    entries[leaf]?.killedAt = now
    return [.log(.error, "backend hangs; killed", leaf), .kill(process: process)]
  }

  mutating func replace(_ leaf: BackendLeaf, now: UInt64) -> [Action] {
    guard shutdown == .no, let entry = entries[leaf], entry.orphan == nil,
      entry.replacedAt == nil, entry.killedAt == nil, case .running(let process, _) = entry.phase
    else { return [] }
    entries[leaf]?.replacedAt = now
    return [.log(.info, "backend gives way to the next", leaf), .terminate(process: process)]
  }

  mutating func timeReached(now: UInt64) -> [Action] {
    var actions: [Action] = []
    for leaf in leaves where shutdown == .no {
      if case .waiting(let until) = entries[leaf]?.phase, until <= now {
        actions.append(launch(leaf, now: now))
      }
      actions += press(leaf, now: now)
    }
    return actions + continueStop(now: now)
  }

  /// Signals for a process that should have gone.
  private mutating func press(_ leaf: BackendLeaf, now: UInt64) -> [Action] {
    guard let entry = entries[leaf], case .running(let process, _) = entry.phase,
      let deadline = entry.pressDeadline(stopMilliseconds: stopMilliseconds), deadline <= now
    else { return [] }
    if entry.isKillAwaited {
      entries[leaf]?.isHopeless = true
      return escalate("process \(process) cannot be killed", leaf)
    }
    if case .noticed = entry.orphan {
      entries[leaf]?.orphan = .terminated(at: now)
      return [
        .log(.warning, "backend outlives its device; asked to end", leaf),
        .terminate(process: process),
      ]
    }
    if entry.orphan != nil { entries[leaf]?.orphan = .killed }
    entries[leaf]?.killedAt = now
    return [.log(.error, "backend does not end; killed", leaf), .kill(process: process)]
  }

  /// The leaf and start of a running process.
  private func leaf(of process: Int32) -> (leaf: BackendLeaf, since: UInt64)? {
    for (leaf, entry) in entries {
      if case .running(process, let since) = entry.phase { return (leaf, since) }
    }
    return nil
  }

  /// The running processes.
  var processes: [BackendLeaf: Int32] {
    entries.compactMapValues { entry in
      if case .running(let process, _) = entry.phase { process } else { nil }
    }
  }

  /// How many processes followed the first of each leaf.
  var restartCounts: [BackendLeaf: Int] { entries.mapValues(\.restartCount) }

  /// The running processes in the order of their leaves.
  var runningProcesses: [Int32] {
    processes.sorted { $0.key < $1.key }.map(\.value)
  }
}
