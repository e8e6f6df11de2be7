import RingTransport
import Logging

/// The end of the domain: asked for, or because nothing else helps.
extension Supervisor {
  mutating func stop(now: UInt64) -> [Action] {
    guard shutdown == .no else { return [] }
    shutdown = .draining(until: now + stopMilliseconds)
    // What does not run will not; what is being started reports itself and is stopped then.
    entries = entries.filter { _, entry in
      switch entry.phase {
      case .starting, .running: true
      case .dead, .waiting: false
      }
    }
    return runningProcesses.map { .terminate(process: $0) } + finishIfIdle()
  }

  mutating func continueStop(now: UInt64) -> [Action] {
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

  mutating func finishIfIdle() -> [Action] {
    guard entries.isEmpty, shutdown != .no, shutdown != .done else { return [] }
    shutdown = .done
    return [.stopped]
  }

  /// Too many deaths of one leaf. A guest may be what its backend dies of, and must not take the
  /// others with it: while one of them has been served well, the domain goes on.
  mutating func giveUp(_ leaf: BackendLeaf, now: UInt64) -> [Action] {
    guard entries[leaf]?.isHopeless == false else { return [] }
    let isDomainWell = entries.contains { other, entry in
      guard other.frontendDomain != leaf.frontendDomain, entry.killedAt == nil,
        case .running(_, let since) = entry.phase
      else { return false }
      return since + Self.steadyMilliseconds <= now
    }
    let reason = "more than \(BackOff.deathCountMax) deaths of a backend within a minute"
    guard isDomainWell else {
      entries[leaf]?.isHopeless = !mayEscalate
      return escalate(reason, leaf)
    }
    return []
  }

  /// Ends the domain, if that is allowed: Dom0 starts it anew, and every device is adopted.
  mutating func escalate(_ reason: String, _ leaf: BackendLeaf) -> [Action] {
    guard mayEscalate else {
      return [.log(.critical, "\(reason); the domain goes on (driver_domain.escalate=no)", leaf)]
    }
    shutdown = .done
    return [.log(.critical, "\(reason); the domain ends itself", leaf)]
      + runningProcesses.map { .kill(process: $0) } + [.escalate("\(leaf): \(reason)")]
  }
}
