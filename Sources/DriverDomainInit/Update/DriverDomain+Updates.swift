import Glibc
import Logging
import RingTransport
import SystemPackage

/// Programs that Dom0 wants replaced.
extension DriverDomain where Transport: ~Copyable {
  func acceptUpdates(_ results: [Result<XenStoreReply, XenStoreError>]) {
    var texts: [BackendPrograms.Role: String] = [:]
    for (role, result) in zip(BackendPrograms.Role.allCases, results) {
      if case .success(.value(let text)) = result { texts[role] = text }
    }
    handle(update: .wanted(texts))
  }

  func handle(update event: ProgramUpdates.Event) {
    let before = updates.results
    let now = MonotonicClock.milliseconds()
    var events = [event]
    while !events.isEmpty {
      for action in updates.handle(events.removeFirst(), now: now) {
        if let next = carryOut(action) { events.append(next) }
      }
    }
    guard updates.results != before else { return }
    for (role, text) in updates.results where before[role] != text {
      log.notice("update: \(text)", metadata: ["program": "\(role.rawValue)"])
    }
    publish()
  }

  private func carryOut(_ action: ProgramUpdates.Action) -> ProgramUpdates.Event? {
    switch action {
    case .copy(let order):
      guard let file = programFile(order.role), power == nil else {
        return .failed("there is no such program here")
      }
      var command = BackendCommand(
        Self.ownProgram, ["--copy-program", order.file, file.path])
      command.arguments[0] = "driver-domain-init"
      return step(command)
    case .tryOut(let role):
      guard let file = programFile(role) else { return nil }
      return step(BackendCommand(file.new, ["--version"]))
    case .kill(let process): signal(process, SIGKILL)
    case .activate(let role): return activate(role)
    case .replace(let leaf): handle(.replace(leaf))
    case .revert(let role): revert(role)
    case .clean(let role): programFile(role)?.clean()
    }
    return nil
  }

  /// The kernel's name for the program that asks.
  private static var ownProgram: String { "/proc/self/exe" }

  private func programFile(_ role: BackendPrograms.Role) -> ProgramFile? {
    options.programs.path(of: role).map(ProgramFile.init)
  }

  private func step(_ command: BackendCommand) -> ProgramUpdates.Event {
    do throws(Errno) {
      return .started(process: try options.processes.start(command))
    } catch {
      return .failed("\(error)")
    }
  }

  private func activate(_ role: BackendPrograms.Role) -> ProgramUpdates.Event {
    do throws(Errno) {
      try programFile(role)?.activate()
    } catch {
      return .failed("\(error)")
    }
    replaceTemplate(role)
    handle(spare: .outdated(role))
    replaceSuccessors(role)
    return .activated
  }

  private func revert(_ role: BackendPrograms.Role) {
    do throws(Errno) {
      try programFile(role)?.revert()
    } catch {
      report(["the old \(role.rawValue) cannot be put back: \(error)"])
    }
    replaceTemplate(role)
    handle(spare: .outdated(role))
    replaceSuccessors(role)
  }

  /// Takes the end of a process, and says whether it belonged to an update.
  func finishUpdateStep(_ process: Int32, _ end: ProcessEnd) -> Bool {
    guard updates.isStep(process) else { return false }
    handle(update: .exited(process: process, end: end))
    return true
  }
}
