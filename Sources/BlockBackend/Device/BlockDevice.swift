import Logging
import RingTransport
import SystemPackage

/// One disk of one guest: carries out what the life cycle decides, and owns all that the disk
/// needs.
///
/// The control path: XenStore, the target, connecting and disconnecting the ring. Every answer
/// comes back through the event loop, so nothing here waits, and I/O of a connected ring goes on
/// beside it. The data path is ``BlockQueue``.
///
/// One thread, that of the event loop, uses an instance. Generic over its world, so that tests run
/// the same code over simulated hypervisors, stores and targets.
struct BlockDevice<
  Xen: Hypervisor & ~Copyable, Storage: BlockStorage & ~Copyable,
  Transport: XenStoreTransport & ~Copyable
>: ~Copyable {
  let leaf: BackendLeaf
  let settings: BlockSettings
  let log: Logger
  var hypervisor: Xen
  /// The target, and in production the event loop that it belongs to.
  var storage: Storage
  var store: LeafStore<Transport>

  var lifecycle = BackendLifecycle()
  /// Known once the leaf has been read.
  var configuration: BlockConfiguration?
  var configurationError: BlockConfigurationError?
  var geometry: BlockGeometry?
  /// Since when a busy target is being waited for.
  var openingSince: UInt64?
  /// The ring, while one is connected, and whether it is to be let go of.
  var queue: BlockQueue?
  var isQuiescing = false
  /// What the connected ring was built from, to notice when the frontend made a new one.
  var ringParameters: RingParameters?
  var deadlines = Deadlines<Deadline>()
  /// Whether the ring that is being connected is that of an earlier process.
  var isAdopting = false
  /// When the process was told to serve the device, in nanoseconds of the monotonic clock.
  var startedAt = MonotonicClock.nanoseconds()
  /// The capacity that the guest was told by the earlier process, in sectors of 512 bytes.
  var promisedSectorCount: UInt64 = 0
  /// Set while the target is gone.
  var loss: TargetLoss?
  /// What was logged last of what comes again and again.
  var lastReason: String?
  /// The port to unmask when the turn's work is done.
  var maskedPort: EventChannelPort?
  /// Why the connection to XenStore is of no use any more.
  var storeFailure: XenStoreFailure?
  /// Set by the life cycle's last action.
  private(set) var isFinished = false
  /// The time of the event being handled, in nanoseconds of a monotonic clock.
  var now: UInt64 = 0

  /// What a deadline is for.
  enum Deadline: Int, CaseIterable {
    /// The life cycle's timer.
    case hold
    /// Trying a busy target once more.
    case openAgain
    /// Looking whether the target grew.
    case capacity
    /// Looking for a target that is gone.
    case reopen
    /// Letting its requests fail.
    case lossOver
  }

  /// Starts to look after a leaf. Nothing happens before ``start(now:knowing:)``.
  ///
  /// - Parameter memory: outlives the process.
  init(
    leaf: BackendLeaf, settings: BlockSettings, log: Logger, hypervisor: consuming Xen,
    storage: consuming Storage, store: consuming XenStoreClient<Transport>,
    memory: (any StateMemory)? = nil
  ) {
    self.leaf = leaf
    self.settings = settings
    self.log = log
    self.hypervisor = hypervisor
    self.storage = storage
    self.store = LeafStore(
      leaf: leaf, client: store, log: log, promiseNodes: BlockPromises.nodes, memory: memory)
  }

  /// Reads the leaf and starts to watch it.
  ///
  /// - Parameter known: what init has told of it.
  mutating func start(now: UInt64, knowing known: LeafConfiguration = LeafConfiguration([:])) {
    self.now = now
    store.start(reading: BlockConfiguration.nodes, knowing: known)
  }

  /// The next time at which ``turn(now:)`` has something to do of its own, in nanoseconds.
  var nextDeadline: UInt64? { deadlines.next }

  /// Takes in that XenStore has something to say.
  mutating func handleStore(now: UInt64) throws(XenStoreFailure) {
    self.now = now
    try store.process()
    takeStoreEvents()
  }

  /// Takes in that the process is to end.
  mutating func handleStop(now: UInt64) {
    self.now = now
    handle(.stopRequested)
  }

  /// Does what is due and what the ring has to do.
  ///
  /// - Parameter listens: whether the guest is to send an event for its next request.
  /// - Returns: whether there is more to do at once.
  mutating func turn(now: UInt64, listens: Bool = true) -> Bool {
    self.now = now
    noticeLoss()
    runDeadlines()
    var more = runQueue(listens: listens)
    let hadQueue = queue != nil
    takeStoreEvents()
    // A ring that was taken over has requests, and a guest that waits for them.
    if !hadQueue, queue != nil { more = true }
    return more && !isFinished
  }

  private mutating func runQueue(listens: Bool) -> Bool {
    guard queue != nil else { return false }
    do throws(RingViolation) {
      let more =
        try queue?.turn(hypervisor: &hypervisor, storage: &storage, listens: listens) ?? false
      finishQuiesceIfIdle()
      return more
    } catch {
      log.error("the frontend broke the ring protocol", metadata: ["violation": "\(error)"])
      // The life cycle may have to wait for XenStore before it says so.
      queue?.drain()
      handle(.violation(error.description))
      return true
    }
  }

  private mutating func runDeadlines() {
    if deadlines.take(.hold, now) { handle(.timerFired) }
    if deadlines.take(.openAgain, now) { openTarget() }
    if deadlines.take(.capacity, now) { checkCapacity() }
    if deadlines.take(.lossOver, now) { endLoss() }
    if deadlines.take(.reopen, now) { reopenTarget() }
  }

  /// Feeds the life cycle and does what it says.
  mutating func handle(_ event: BackendLifecycle.Event) {
    for action in lifecycle.handle(event) { perform(action) }
  }

  private mutating func perform(_ action: BackendLifecycle.Action) {
    switch action {
    case .openTarget: openTarget()
    case .publish(let state, let withFeatures): publish(state, withFeatures: withFeatures)
    case .publishFailure(let reason): store.publishFailure(reason)
    case .publishCapacity: publishCapacity()
    case .startTimer(let milliseconds):
      deadlines.set(.hold, now + UInt64(milliseconds) * 1_000_000)
    case .connectRing: store.readRing(RingParameters.nodes, compares: false)
    case .adoptRing: adoptRing()
    case .compareRing: store.readRing(RingParameters.nodes, compares: true)
    // Nothing of a disk changes so, and the life cycle was told.
    case .reconfigure: handle(.reconfigured)
    case .quiesce: quiesce()
    case .removeLeaf: store.removeLeaf()
    case .exit(let reason):
      log.info("done", metadata: ["reason": "\(reason)"])
      isFinished = true
    }
  }
}
