import RingTransport
import Glibc
import Logging
import SystemPackage

/// What the supervisor decided.
extension DriverDomain where Transport: ~Copyable {
  func handle(_ event: Supervisor.Event) {
    let now = MonotonicClock.milliseconds()
    // An action can bring the next event, so this is a queue and not a recursion.
    var events = [event]
    while !events.isEmpty {
      for action in supervisor.handle(events.removeFirst(), now: now) {
        if let next = carryOut(action) { events.append(next) }
      }
    }
  }

  private func carryOut(_ action: Supervisor.Action) -> Supervisor.Event? {
    switch action {
    case .start(let leaf): return start(leaf)
    case .terminate(let process): signal(process, SIGTERM)
    case .kill(let process): signal(process, SIGKILL)
    case .observe(let leaf): observe(leaf)
    case .list: startScan()
    case .log(let level, let message, let leaf):
      log.log(level: level, "\(message)", metadata: ["device": "\(leaf)"])
    case .stopped: isStopped = true
    }
    return nil
  }

  private func start(_ leaf: BackendLeaf) -> Supervisor.Event {
    do throws(Errno) {
      return .started(leaf, process: try options.backend.start(leaf))
    } catch {
      return .startFailed(leaf, reason: "\(options.backend.program): \(error)")
    }
  }

  private func signal(_ process: Int32, _ number: Int32) {
    do throws(Errno) {
      try SystemCall.signal(-process, number)
    } catch {
      log.debug("signal not delivered", metadata: ["process": "\(process)", "reason": "\(error)"])
    }
  }
}
