import Glibc
import Logging
import RingTransport
import SystemPackage

/// How a leaf gets its process: from a waiting spare, or a new one.
extension DriverDomain where Transport: ~Copyable {
  /// Gives the leaf a process with these arguments, and the status page of the one before.
  func start(_ leaf: BackendLeaf, _ command: BackendCommand) -> Supervisor.Event {
    do throws(Errno) {
      let status = try status(of: leaf)
      defer { beginConfiguration(of: leaf) }
      if let process = orderSpare(leaf, command, status) {
        return .started(leaf, process: process)
      }
      let queues = heldQueues(of: leaf)
      var passed = [
        BackendProcess.Passed(
          descriptor: status.file.rawValue, number: BackendProcess.statusDescriptor)
      ]
      for (number, queue) in zip(BackendProcess.queueDescriptor..., queues) {
        passed.append(.init(descriptor: queue.descriptor, number: number))
      }
      let process = try options.processes.start(
        command.passingStatus(andQueues: queues.count), passing: passed)
      logDelay("process started", leaf)
      return .started(leaf, process: process)
    } catch {
      return .startFailed(leaf, reason: "\(command.program): \(error)")
    }
  }

  /// The next process of a connected device: as the last, without a look into XenStore.
  func follow(_ leaf: BackendLeaf) -> Supervisor.Event? {
    if let process = takeSuccessor(of: leaf) { return .started(leaf, process: process) }
    guard let command = commands[leaf] else { return start(leaf) }
    return start(leaf, command)
  }

  func heldQueues(of leaf: BackendLeaf) -> [HeldQueue] {
    leaf.kind == .virtualInterface ? network?.heldQueues(of: leaf) ?? [] : []
  }

  private func status(of leaf: BackendLeaf) throws(Errno) -> LeafStatus {
    if let status = statuses[leaf] { return status }
    let status = try LeafStatus()
    statuses[leaf] = status
    return status
  }

  /// Has the waiting process of the leaf's program serve it; nil when there is none.
  private func orderSpare(
    _ leaf: BackendLeaf, _ command: BackendCommand, _ status: LeafStatus
  ) -> Int32? {
    let role = BackendPrograms.Role(leaf.kind)
    guard let (process, connection) = takeSpare(role) else { return nil }
    let order = BackendOrder(
      leaf: leaf.description, arguments: Array(command.furtherArguments),
      configuration: configurations[leaf] ?? LeafConfiguration([:]))
    do throws(Errno) {
      try connection.send(order, status, heldQueues(of: leaf))
      logDelay("order sent", leaf)
      return process
    } catch {
      // It is dead, or ends because its connection is closed now; both are nobody's loss.
      log.debug("a spare takes no order", metadata: ["device": "\(leaf)", "reason": "\(error)"])
      return nil
    }
  }

  /// The waiting process of a program, or one that is made now; nil when there is neither.
  private func takeSpare(
    _ role: BackendPrograms.Role
  ) -> (process: Int32, connection: SpareConnection)? {
    if let process = spares.take(role, now: MonotonicClock.milliseconds()) {
      return spareConnections.removeValue(forKey: role).map { (process, $0) }
    }
    return try? makeSpare(role)
  }

  /// Makes a waiting process: a copy of the template, or else one that is started, where `program`
  /// says of what.
  func makeSpare(
    _ role: BackendPrograms.Role, startingElse program: String? = nil
  ) throws(Errno) -> (process: Int32, connection: SpareConnection)? {
    var theirs: OwnedFileDescriptor?
    let connection = SpareConnection(try OrderSocket(spare: &theirs))
    guard let number = theirs?.rawValue else { return nil }
    if let process = copyTemplate(role, orders: number) { return (process, connection) }
    guard let program else { return nil }
    return (try startWaiting(.spare, program, number), connection)
  }

  /// Starts a program that waits for what is said on a descriptor.
  func startWaiting(
    _ mode: BackendCommand.WaitingMode, _ program: String, _ descriptor: Int32
  ) throws(Errno) -> Int32 {
    try options.processes.start(
      .waiting(program, as: mode, options.configuration),
      passing: [.init(descriptor: descriptor, number: BackendProcess.ordersDescriptor)])
  }

  /// How long a guest waited for what init does after a death.
  func logDelay(_ what: Logger.Message, _ leaf: BackendLeaf) {
    guard let deathSeenAt else { return }
    let microseconds = (MonotonicClock.nanoseconds() - deathSeenAt) / 1000
    log.debug(
      what, metadata: ["device": "\(leaf)", "after-death-microseconds": "\(microseconds)"])
  }
}
