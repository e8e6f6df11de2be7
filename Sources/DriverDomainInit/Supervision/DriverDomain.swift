import CLinux
import Glibc
import Logging
import RingTransport
import SystemPackage

/// The event loop of init: storage, network, XenStore and processes on one thread.
///
/// It only carries events to ``Supervisor``, ``StorageReadiness``, ``NetworkRole``,
/// ``CaptureControl`` and ``BackendScan``, which decide, and carries out what they say.
final class DriverDomain<Transport: XenStoreTransport & ~Copyable> {
  /// What the start found out.
  struct Options {
    var isProcessOne: Bool
    var configuration: Configuration
    /// Errors of the start, to be published.
    var problems: [String]
    var programs: BackendPrograms
    var processes: BackendProcess
  }

  /// How the event loop ended.
  enum Outcome: Equatable {
    case power(PowerRequest)
    /// Nothing here can help any more, for the reason given.
    case escalated(String)
  }

  /// What a batch in flight was for.
  enum Request {
    case observe(BackendLeaf)
    /// The nodes that say how an interface is to be served, before its process is started.
    case readInterface(BackendLeaf)
    /// The nodes that say what a device is, for its next process.
    case readConfiguration(BackendLeaf)
    case scan
    case listCaptures
    case readCaptures([String])
    case listUpdates
    case readDrill
    case readReport
    case readShutdown
    case acceptShutdown
    case publish
    case watch
  }

  /// A burst of uevents (one for each partition) or of changes of links is one scan.
  static var rescanMilliseconds: UInt64 { 50 }
  /// XenStore is there from the first moment or not at all; a lost connection is rare.
  static var reconnectMilliseconds: UInt64 { 2_000 }

  /// The last words of a domain that ends itself take a few turns of XenStore; guests wait.
  static var escalationMilliseconds: UInt64 { 200 }
  /// A turn takes milliseconds; one that takes as long waits for the processor or for a lock.
  static var longTurnMilliseconds: UInt64 { 1_000 }

  let options: Options
  let log: Logger
  let connect: () throws(Errno) -> Transport

  var loop: EventLoop
  var signals: Signals
  var deviceEvents: DeviceEvents?

  var client: XenStoreClient<Transport>?
  var requests: [XenStoreBatchIdentifier: Request] = [:]
  /// Leaves whose state is being read; true when it has to be read once more after that.
  var observations: [BackendLeaf: Bool] = [:]
  var scan: BackendScan?
  var isScanStale = false
  var published: [XenStorePath: String]?
  var hasReportedConnection = false
  var isWaitingForOutput = false

  var storage: StorageReadiness
  /// Nil where there is no backend for interfaces, or no way to the kernel's links.
  var network: NetworkRole?
  var networkProblems: [String] = []
  var captures: CaptureControl
  /// A list of captures is being read; true when it has to be read once more after that.
  var captureScan: Bool?
  var hasRemovedStaleInterfaces = false
  var supervisor: Supervisor
  var spares = SparePool<BackendPrograms.Role>()
  var templates: [BackendPrograms.Role: ProcessTemplate] = [:]
  var failedTemplates: Set<BackendPrograms.Role> = []
  var spareConnections: [BackendPrograms.Role: SpareConnection] = [:]
  var successorPool = SparePool<BackendLeaf>()
  var successors: [BackendLeaf: Successor] = [:]
  /// The status pages of leaves that have or had a process.
  var statuses: [BackendLeaf: LeafStatus] = [:]
  /// What the last process of each leaf was started with; only of leaves that can be served.
  var commands: [BackendLeaf: BackendCommand] = [:]
  /// What the toolstack wants the devices to be that have a process.
  var configurations = LeafConfigurations()
  /// When a drill signalled a backend last, in nanoseconds.
  var lastBlow: (process: Int32, at: UInt64)?
  /// When the death that is being dealt with was seen, in nanoseconds; nil at other times.
  var deathSeenAt: UInt64?
  var hangs: HangDetector
  var restarts = RestartCounts()
  var updates: ProgramUpdates
  /// A rehearsal of failures, while Dom0 wants one.
  var drill: Drill?
  var watchdog: Watchdog?
  var hasWatchdog = false
  var escalation: String?
  var escalationProblem: [String] = []
  var status = DomainStatus()
  var loggedProblems: Set<String> = []
  var isServing = false
  var unservedKinds: Set<BackendLeaf.Kind> = []
  var power: PowerRequest?
  var isStopped = false

  var rescanDeadline: UInt64?
  var linkDeadline: UInt64?
  var reconnectDeadline: UInt64?
  var hangDeadline: UInt64?
  var watchdogDeadline: UInt64?
  var escalationDeadline: UInt64?

  init(
    _ options: Options, log: Logger, connect: @escaping () throws(Errno) -> Transport
  ) throws(Errno) {
    self.options = options
    self.log = log
    self.connect = connect
    loop = try EventLoop()
    signals = try Signals()
    storage = StorageReadiness(
      options.configuration, now: MonotonicClock.milliseconds())
    supervisor = Supervisor(
      stopSeconds: options.configuration.stopSeconds,
      mayEscalate: options.configuration.mayEscalate)
    hangs = HangDetector(seconds: options.configuration.hangSeconds)
    let volumes = options.configuration.volumes
    let writable = volumes.filter { !$0.isReadOnly }.map(\.directory)
    captures = CaptureControl(directories: options.isProcessOne ? writable : nil)
    updates = ProgramUpdates(
      directories: options.isProcessOne ? volumes.map(\.directory) : nil,
      stopMilliseconds: UInt64(options.configuration.stopSeconds) * 1000)
    status.announcesLinks = options.isProcessOne
    try loop.watch(signals.descriptor.rawValue, as: .signals, isNew: true)
  }

  /// Serves until the domain is to end and all processes have, and says how it is to end.
  func run() throws(Errno) -> Outcome {
    openDeviceEvents()
    openNetwork()
    rescan()
    connectToXenStore()
    while !isFinished {
      updateOutputInterest()
      let sources = try loop.wait(timeoutMilliseconds: timeToNextDeadline)
      let begin = MonotonicClock.milliseconds()
      for source in sources {
        switch source {
        case .signals: handleSignals()
        case .devices:
          if deviceEvents?.drain() == true { rescanSoon() }
        case .links:
          if network?.drainEvents() == true { refreshLinksSoon() }
        case .dhcp: receiveAddresses()
        case .xenStore: break
        }
      }
      handleDeadlines()
      handleXenStore()
      warnOfLongTurn(since: begin)
    }
    // Whoever escalates leaves everything as it is, the watchdog too.
    if let escalation { return .escalated(escalation) }
    closeWatchdog()
    return .power(power ?? .powerOff)
  }

  /// The watchdog ends a domain whose init stands still; this says beforehand that it did.
  private func warnOfLongTurn(since begin: UInt64) {
    let duration = MonotonicClock.milliseconds() - begin
    guard duration >= Self.longTurnMilliseconds else { return }
    log.warning("stood still", metadata: ["milliseconds": "\(duration)"])
  }

  private var isFinished: Bool {
    if escalation != nil { return escalationDeadline == nil }
    return isStopped && captures.isIdle
  }

  private var timeToNextDeadline: UInt64? {
    let deadlines = [
      supervisor.nextDeadline, storage.nextDeadline, network?.nextDeadline, captures.nextDeadline,
      rescanDeadline, linkDeadline, reconnectDeadline, spares.nextDeadline,
      successorPool.nextDeadline, hangDeadline,
      restarts.nextDeadline, updates.nextDeadline, watchdogDeadline, escalationDeadline,
      drill?.nextDeadline,
    ]
    guard let next = deadlines.compactMap({ $0 }).min() else { return nil }
    let now = MonotonicClock.milliseconds()
    return next > now ? next - now : 0
  }

  private func handleDeadlines() {
    let now = MonotonicClock.milliseconds()
    if let deadline = reconnectDeadline, deadline <= now { connectToXenStore() }
    if let deadline = rescanDeadline, deadline <= now { rescan() }
    if let deadline = storage.nextDeadline, deadline <= now { updateStorage() }
    if let deadline = linkDeadline, deadline <= now { refreshLinks() }
    if let deadline = network?.nextDeadline, deadline <= now { reachNetworkDeadline(now) }
    if let deadline = captures.nextDeadline, deadline <= now { handle(capture: .timeReached) }
    if let deadline = supervisor.nextDeadline, deadline <= now { handle(.timeReached) }
    if let deadline = spares.nextDeadline, deadline <= now { handle(spare: .timeReached) }
    if let deadline = successorPool.nextDeadline, deadline <= now {
      handle(successor: .timeReached)
    }
    if let deadline = hangDeadline, deadline <= now { checkHeartbeats(now) }
    if let deadline = restarts.nextDeadline, deadline <= now { tellRestarts(now) }
    if let deadline = updates.nextDeadline, deadline <= now { handle(update: .timeReached) }
    if let deadline = drill?.nextDeadline, deadline <= now { reachDrillDeadline(now) }
    if let deadline = watchdogDeadline, deadline <= now { patWatchdog(now) }
    if let deadline = escalationDeadline, deadline <= now { escalationDeadline = nil }
  }

  private func handleSignals() {
    while let signal = signals.next() {
      guard let request = PowerRequest(signal: signal) else { continue }
      stop(request)
    }
    deathSeenAt = MonotonicClock.nanoseconds()
    // SIGCHLD may stand for several children, and any signal is a good moment to look.
    while let (process, end) = Signals.reap() {
      if supervisor.processes.values.contains(process) {
        logBlow(process)
        handle(.exited(process: process, end: end))
      } else if !finishSuccessor(process, end) && !finishSpare(process, end)
        && !finishTemplate(process, end)
        && !finishUpdateStep(process, end)
      {
        _ = finishCapture(process, end)
      }
    }
    deathSeenAt = nil
  }

  /// Begins the orderly end.
  func stop(_ request: PowerRequest) {
    guard power == nil else { return }
    power = request
    log.notice("stopping", metadata: ["request": "\(request.rawValue)"])
    status.state = .stopping
    publish()
    // They would keep their volumes from being unmounted.
    handle(capture: .wanted([:], interfaces: []))
    handle(.stop)
  }
}
