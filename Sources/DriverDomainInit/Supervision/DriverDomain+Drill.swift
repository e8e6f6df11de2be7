import Glibc
import Logging
import RingTransport

/// Carrying out a ``Drill``.
extension DriverDomain where Transport: ~Copyable {
  static var drillNode: XenStorePath { "data/driver-domain/drill" }

  /// Takes the node's value; nil or an empty one ends the drill.
  func acceptDrill(_ results: [Result<XenStoreReply, XenStoreError>]) {
    var text = ""
    if case .success(.value(let value)) = results.first { text = value }
    if let drill { log.notice("drill ends", metadata: ["signals": "\(drill.count)"]) }
    drill = Drill(text, now: MonotonicClock.milliseconds())
    if drill != nil {
      log.notice("drill begins", metadata: ["drill": "\(text)"])
    } else if !text.isEmpty {
      log.error(
        "no drill",
        metadata: ["value": "\(text)", "wanted": "kill|both|stop|term|panic:MILLISECONDS"])
    }
  }

  /// How long a process took to end, most of it the kernel's work with its memory.
  func logBlow(_ process: Int32) {
    guard let blow = lastBlow, blow.process == process else { return }
    let microseconds = (MonotonicClock.nanoseconds() - blow.at) / 1000
    log.debug(
      "ended",
      metadata: [
        "process": "\(process)", "after-signal-microseconds": "\(microseconds)",
      ])
  }

  func reachDrillDeadline(_ now: UInt64) {
    if drill?.blow == .panic {
      drill = nil
      escalate("a drill")
      return
    }
    let running = supervisor.processes.sorted { $0.key < $1.key }
    guard let (leaf, process) = drill?.next(among: running, now: now), let blow = drill?.blow
    else { return }
    lastBlow = (process, MonotonicClock.nanoseconds())
    log.debug("drill", metadata: ["device": "\(leaf)", "blow": "\(blow.rawValue)"])
    switch blow {
    case .kill:
      handle(.expected(leaf))
      signal(process, SIGKILL)
    case .both:
      handle(.expected(leaf))
      signal(process, SIGKILL)
      let waiting = [
        successorPool.waiting(leaf), spares.waiting(BackendPrograms.Role(leaf.kind)),
      ]
      for process in waiting.compactMap({ $0 }) { signal(process, SIGKILL) }
    case .stop:
      handle(.expected(leaf))
      signal(process, SIGSTOP)
    case .term: handle(.replace(leaf))
    case .panic: break
    }
  }
}
