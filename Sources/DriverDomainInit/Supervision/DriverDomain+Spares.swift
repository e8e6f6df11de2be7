import Glibc
import Logging
import RingTransport
import SystemPackage

/// Spares: processes that wait to become the backend of any device.
extension DriverDomain where Transport: ~Copyable {
  /// Has a spare wait for each program that has devices.
  func updateSpares() {
    let leaves = supervisor.leaves
    for role in BackendPrograms.Role.allCases {
      let isWanted =
        power == nil && escalation == nil
        && leaves.contains { BackendPrograms.Role($0.kind) == role }
      handle(spare: .wanted(role, isWanted))
    }
  }

  func handle(spare event: SparePool<BackendPrograms.Role>.Event) {
    let now = MonotonicClock.milliseconds()
    var events = [event]
    while !events.isEmpty {
      for action in spares.handle(events.removeFirst(), now: now) {
        switch action {
        case .start(let role): events.append(startSpare(role))
        case .kill(let role, let process):
          spareConnections[role] = nil
          signal(process, SIGKILL)
        }
      }
    }
  }

  private func startSpare(
    _ role: BackendPrograms.Role
  ) -> SparePool<BackendPrograms.Role>.Event {
    do throws(Errno) {
      guard let program = options.programs.path(of: role),
        let (process, connection) = try makeSpare(role, startingElse: program)
      else { return .startFailed(role) }
      spareConnections[role] = connection
      log.debug("a spare waits as process \(process)", metadata: ["program": "\(role.rawValue)"])
      return .started(role, process: process)
    } catch {
      log.debug(
        "no spare", metadata: ["program": "\(role.rawValue)", "reason": "\(error)"])
      return .startFailed(role)
    }
  }

  /// Takes the end of a process, and says whether it was a spare without an order.
  func finishSpare(_ process: Int32, _ end: ProcessEnd) -> Bool {
    guard let role = spares.key(of: process) else { return false }
    spareConnections[role] = nil
    log.debug("a spare ended (\(end))", metadata: ["program": "\(role.rawValue)"])
    handle(spare: .exited(process: process))
    return true
  }
}
