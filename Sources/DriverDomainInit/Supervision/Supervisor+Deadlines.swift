import RingTransport

/// When time itself is an event.
extension Supervisor {
  /// When `timeReached` is due, if nothing else happens.
  var nextDeadline: UInt64? {
    switch shutdown {
    case .done: return nil
    case .draining(let until), .killing(let until): return until
    case .no: break
    }
    return entries.values.compactMap { entry in
      switch entry.phase {
      case .waiting(let until): until
      // Only a living process can be pressed; a deadline nobody acts on would never go away.
      case .running: entry.pressDeadline(stopMilliseconds: stopMilliseconds)
      case .starting, .dead: nil
      }
    }.min()
  }
}

extension Supervisor.Entry {
  /// Whether a guest waits for the end of a process that got SIGKILL.
  var isKillAwaited: Bool {
    guard killedAt != nil, !isHopeless else { return false }
    switch orphan {
    case nil, .missed: return true
    case .noticed, .terminated, .killed: return false
    }
  }

  /// When the running process gets its next signal, or is given up.
  func pressDeadline(stopMilliseconds: UInt64) -> UInt64? {
    if let killedAt {
      return isKillAwaited ? killedAt + Supervisor.unkillableMilliseconds : nil
    }
    switch orphan {
    case .noticed(let at): return at + Supervisor.orphanMilliseconds
    case .terminated(let at): return at + Supervisor.terminationMilliseconds
    case .killed, .missed: return nil
    case nil: return replacedAt.map { $0 + stopMilliseconds }
    }
  }
}
