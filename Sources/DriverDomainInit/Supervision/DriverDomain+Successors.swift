import Glibc
import Logging
import RingTransport
import SystemPackage

/// A process that has got ready to take one device over.
struct Successor {
  /// What it got ready for.
  let order: BackendOrder
  let connection: SpareConnection
}

/// Successors: each connected device has a process that has done all of a take-over that can be
/// done while another serves the device. Its turn comes with a message.
extension DriverDomain where Transport: ~Copyable {
  /// The domain's memory that has to be free before another successor is made: guests come first,
  /// whose devices take memory only when they are busy, and so does a spare, which serves all
  /// devices of a program.
  private var successorMemoryByteCountMin: Int {
    Self.ownMemoryByteCount + supervisor.leaves.count * Self.deviceMemoryByteCount
  }

  private static var ownMemoryByteCount: Int { 12 << 20 }
  /// More than the default buffer of a disk, with the pages that the kernel makes for its requests.
  private static var deviceMemoryByteCount: Int { 6 << 20 }

  private static var freeMemoryByteCount: Int {
    sysconf(Int32(_SC_AVPHYS_PAGES)) * sysconf(Int32(_SC_PAGESIZE))
  }

  /// Has a successor wait for each connected device, ready for what the device is now.
  func updateSuccessors() {
    for leaf in Set(supervisor.leaves).union(successorPool.keys) {
      let order = orderAhead(for: leaf)
      handle(successor: .wanted(leaf, order != nil))
      if let order, let successor = successors[leaf], successor.order != order {
        handle(successor: .outdated(leaf))
      }
    }
  }

  /// What the next process of a device would be told, nil while that is not known.
  private func orderAhead(for leaf: BackendLeaf) -> BackendOrder? {
    guard power == nil, escalation == nil, supervisor.isConnected(leaf),
      let command = commands[leaf], let configuration = configurations[leaf]
    else { return nil }
    return BackendOrder(
      leaf: leaf.description, arguments: Array(command.furtherArguments),
      configuration: configuration, isAhead: true)
  }

  /// Tells a device's successor that it is its turn; nil when there is none that is ready for what
  /// the device is.
  func takeSuccessor(of leaf: BackendLeaf) -> Int32? {
    guard let successor = successors[leaf], successor.order == orderAhead(for: leaf),
      let process = successorPool.take(leaf, now: MonotonicClock.milliseconds())
    else { return nil }
    successors[leaf] = nil
    // It has given its rights away, and cannot take priority by itself.
    Urgency.takingOver.apply(toGroup: process)
    do throws(Errno) {
      try successor.connection.sendTurn()
      logDelay("order sent", leaf)
      return process
    } catch {
      // As a spare that takes no order.
      log.debug(
        "a successor takes no order", metadata: ["device": "\(leaf)", "reason": "\(error)"])
      return nil
    }
  }

  /// A program is another now: none of its successors is of use.
  func replaceSuccessors(_ role: BackendPrograms.Role) {
    for leaf in successors.keys where BackendPrograms.Role(leaf.kind) == role {
      handle(successor: .outdated(leaf))
    }
  }

  func handle(successor event: SparePool<BackendLeaf>.Event) {
    let now = MonotonicClock.milliseconds()
    var events = [event]
    while !events.isEmpty {
      for action in successorPool.handle(events.removeFirst(), now: now) {
        switch action {
        case .start(let leaf): events.append(startSuccessor(leaf))
        case .kill(let leaf, let process):
          successors[leaf] = nil
          signal(process, SIGKILL)
        }
      }
    }
  }

  private func startSuccessor(_ leaf: BackendLeaf) -> SparePool<BackendLeaf>.Event {
    let role = BackendPrograms.Role(leaf.kind)
    do throws(Errno) {
      guard let order = orderAhead(for: leaf), let status = statuses[leaf],
        Self.freeMemoryByteCount >= successorMemoryByteCountMin,
        let (process, connection) = try makeSpare(
          role, startingElse: failedTemplates.contains(role) ? options.programs.path(of: role) : nil
        )
      else { return .startFailed(leaf) }
      try connection.send(order, status, heldQueues(of: leaf))
      successors[leaf] = Successor(order: order, connection: connection)
      log.debug("a successor waits as process \(process)", metadata: ["device": "\(leaf)"])
      return .started(leaf, process: process)
    } catch {
      log.debug("no successor", metadata: ["device": "\(leaf)", "reason": "\(error)"])
      return .startFailed(leaf)
    }
  }

  /// Takes the end of a process, and says whether it was a successor before its turn.
  func finishSuccessor(_ process: Int32, _ end: ProcessEnd) -> Bool {
    guard let leaf = successorPool.key(of: process) else { return false }
    successors[leaf] = nil
    log.debug("a successor ended (\(end))", metadata: ["device": "\(leaf)"])
    handle(successor: .exited(process: process))
    return true
  }
}
