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
    updateSpares()
    updateSuccessors()
    updateHangCheck()
    restarts.update(supervisor.restartCounts)
    handle(update: .changed(supervisor.processes, leaves: supervisor.leaves))
  }

  private func carryOut(_ action: Supervisor.Action) -> Supervisor.Event? {
    switch action {
    case .start(let leaf): return start(leaf)
    case .follow(let leaf): return follow(leaf)
    case .terminate(let process): signal(process, SIGTERM)
    case .kill(let process): signal(process, SIGKILL)
    case .observe(let leaf): observe(leaf)
    case .list: startScan()
    case .release(let leaf):
      if leaf.kind == .virtualInterface { network?.release(leaf) }
      statuses[leaf] = nil
      commands[leaf] = nil
      configurations.end(leaf)
    case .log(let level, let message, let leaf):
      log.log(level: level, "\(message)", metadata: ["device": "\(leaf)"])
    case .stopped: isStopped = true
    case .escalate(let reason): escalate(reason)
    }
    return nil
  }

  /// Starts a disk's process at once. An interface's nodes are read first, so its process starts
  /// with their answer.
  func start(_ leaf: BackendLeaf) -> Supervisor.Event? {
    guard leaf.kind == .virtualInterface else {
      // Leaves without a program were left out.
      let program = options.programs.block ?? BackendPrograms.blockOfImage
      let command = BackendCommand.block(program, leaf, options.configuration)
      commands[leaf] = command
      return start(leaf, command)
    }
    let reads = InterfacePlan.nodeNames.map { XenStoreOperation.read(leaf.node($0)) }
    if submit(reads, for: .readInterface(leaf)) { return nil }
    return .startFailed(leaf, reason: "no connection to XenStore")
  }

  /// Whether there is a backend for a leaf. For a kind without one another domain may have it.
  func isServed(_ leaf: BackendLeaf) -> Bool {
    if options.programs.program(for: leaf.kind) != nil { return true }
    if unservedKinds.insert(leaf.kind).inserted {
      log.notice(
        "devices of this kind are not served: there is no backend for them here",
        metadata: ["kind": "\(leaf.kind.rawValue)", "first": "\(leaf)"])
    }
    return false
  }

  func signal(_ process: Int32, _ number: Int32) {
    do throws(Errno) {
      try SystemCall.signal(-process, number)
    } catch {
      log.debug("signal not delivered", metadata: ["process": "\(process)", "reason": "\(error)"])
    }
  }
}
