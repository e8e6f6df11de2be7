import Glibc
import Logging
import RingTransport
import SystemPackage

/// Signs of life: those of backends, those of init itself, and what Dom0 hears of restarts.
extension DriverDomain where Transport: ~Copyable {
  /// Looks at all heartbeats. The next look is counted from this one: a check that came late must
  /// not be followed by another at once.
  func checkHeartbeats(_ now: UInt64) {
    var readings: [(process: Int32, heartbeats: [UInt64?])] = []
    for (leaf, process) in supervisor.processes {
      guard let status = statuses[leaf] else { continue }
      readings.append((process, status.heartbeats()))
    }
    for process in hangs.check(readings) { handle(.hung(process: process)) }
    hangDeadline = readings.isEmpty ? nil : now + HangDetector.checkMilliseconds
  }

  /// Begins to look at heartbeats when there is a process to look at.
  func updateHangCheck() {
    guard hangDeadline == nil, hangs.isOn, !supervisor.processes.isEmpty else { return }
    hangDeadline = MonotonicClock.milliseconds() + HangDetector.checkMilliseconds
  }

  /// Publishes how often backends were restarted.
  func tellRestarts(_ now: UInt64) {
    restarts.tell(now: now)
    status.restarts = restarts.told
    publish()
  }

  /// Has the hypervisor end the domain when init stands still. Not before guests are served: until
  /// then a slow disk may hold up a mount.
  func openWatchdog() {
    let seconds = options.configuration.watchdogSeconds
    guard options.isProcessOne, seconds > 0, !hasWatchdog, power == nil else { return }
    do throws(Errno) {
      let watchdog = try Watchdog(seconds: seconds, now: MonotonicClock.milliseconds())
      watchdogDeadline = watchdog.nextDeadline
      self.watchdog = consume watchdog
      hasWatchdog = true
      log.info("watchdog runs", metadata: ["seconds": "\(seconds)"])
    } catch {
      report(["\(Watchdog.path): \(error)"])
    }
  }

  func patWatchdog(_ now: UInt64) {
    do throws(Errno) {
      try watchdog?.pat(now: now)
      watchdogDeadline = watchdog?.nextDeadline
    } catch {
      // It ends the domain then, which is its answer to an init that is not well.
      report(["\(Watchdog.path): \(error)"])
      watchdogDeadline = nil
    }
  }

  /// Lets the watchdog rest: what follows may rightly take long.
  func closeWatchdog() {
    watchdog?.rest()
    watchdog = nil
    hasWatchdog = false
    watchdogDeadline = nil
  }

  /// Begins the end of a domain that cannot help itself. The watchdog stays: it is the next to act
  /// should the end not come.
  func escalate(_ reason: String) {
    guard escalation == nil else { return }
    escalation = reason
    escalationDeadline = MonotonicClock.milliseconds() + Self.escalationMilliseconds
    status.state = .failed
    escalationProblem = ["ends itself: \(reason)"]
    publish()
  }
}
