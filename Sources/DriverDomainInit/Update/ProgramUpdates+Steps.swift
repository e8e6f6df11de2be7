import RingTransport

/// The way of one update.
extension ProgramUpdates {
  mutating func started(_ process: Int32) -> [Action] {
    switch phase {
    case .copying(let order, nil, let until):
      phase = .copying(order, process: process, until: until)
    case .trying(let order, nil, let until):
      phase = .trying(order, process: process, until: until)
    default: return [.kill(process: process)]
    }
    return []
  }

  mutating func fail(_ reason: String, now: UInt64) -> [Action] {
    switch phase {
    case .idle: return []
    case .copying(let order, _, _), .trying(let order, _, _), .activating(let order):
      return finish(order, "failed: \(order.file): \(reason)", now: now)
    case .replacing(let order, _):
      let text = "failed: \(order.file): \(reason); the old program is back"
      return [.revert(order.role)] + finish(order, text, now: now)
    }
  }

  mutating func exited(_ process: Int32, _ end: ProcessEnd, now: UInt64) -> [Action] {
    switch phase {
    case .copying(let order, process, _):
      guard end.isSuccess else { return fail("cannot be copied (\(end)); see the log", now: now) }
      phase = .trying(order, process: nil, until: now + Self.trialMilliseconds)
      return [.tryOut(order.role)]
    case .trying(let order, process, _):
      guard end.isSuccess else { return fail("does not run (\(end))", now: now) }
      phase = .activating(order)
      return [.activate(order.role)]
    default: return []
    }
  }

  mutating func activated(now: UInt64) -> [Action] {
    guard case .activating(let order) = phase else { return [] }
    let old = running.filter { Role($0.key.kind) == order.role }.sorted { $0.key < $1.key }
    let replacement = Replacement(
      remaining: old.map { (leaf: $0.key, process: $0.value) }, count: old.count,
      until: now + deviceMilliseconds)
    phase = .replacing(order, replacement)
    let first = replacement.remaining.first.map { [Action.replace($0.leaf)] } ?? []
    return first + advance(now: now)
  }

  private var deviceMilliseconds: UInt64 { stopMilliseconds + Self.successorMilliseconds }

  /// Looks whether the process that is being replaced has its successor, and goes to the next.
  mutating func advance(now: UInt64) -> [Action] {
    guard case .replacing(let order, var replacement) = phase else { return [] }
    guard let (leaf, old) = replacement.remaining.first else {
      return finish(order, "done: \(order.file), \(replacement.count) devices", now: now)
    }
    let current = running[leaf]
    // A device that goes away meanwhile needs no successor.
    guard leaves.contains(leaf) else { return next(order, replacement, now: now) }
    if let successor = replacement.successor {
      if current != successor { return fail("a new process ended at once", now: now) }
      return replacement.until <= now ? next(order, replacement, now: now) : []
    }
    if let current, current != old {
      replacement.successor = current
      replacement.until = now + Self.settleMilliseconds
      phase = .replacing(order, replacement)
    }
    return []
  }

  private mutating func next(
    _ order: UpdateOrder, _ replacement: Replacement, now: UInt64
  ) -> [Action] {
    var replacement = replacement
    replacement.remaining.removeFirst()
    replacement.successor = nil
    replacement.until = now + deviceMilliseconds
    // One that died meanwhile was followed by the new program already.
    while let (leaf, process) = replacement.remaining.first, running[leaf] != process {
      replacement.remaining.removeFirst()
    }
    phase = .replacing(order, replacement)
    guard let (leaf, _) = replacement.remaining.first else { return advance(now: now) }
    return [.replace(leaf)]
  }

  mutating func timeReached(now: UInt64) -> [Action] {
    switch phase {
    case .idle, .activating: return []
    case .copying(let order, let process, let until) where until <= now:
      phase = .copying(order, process: process, until: .max)
      return process.map { [.kill(process: $0)] } ?? []
    case .trying(let order, let process, let until) where until <= now:
      phase = .trying(order, process: process, until: .max)
      return process.map { [.kill(process: $0)] } ?? []
    case .replacing(_, let replacement) where replacement.until <= now:
      if replacement.successor != nil { return advance(now: now) }
      return fail("a process has no successor", now: now)
    case .copying, .trying, .replacing: return []
    }
  }
}
