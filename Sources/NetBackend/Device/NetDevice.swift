import Logging
import RingTransport
import SystemPackage

/// One vif of one guest: carries out what the life cycle decides, and owns all that the vif needs.
///
/// The control path: XenStore, the network side, connecting and disconnecting the queues, the
/// control ring. Every answer comes back through the event loop, so nothing here waits. The data
/// path is ``NetQueue``.
///
/// One thread, that of the event loop, uses an instance. Generic over its world, so that tests run
/// the same code over simulated hypervisors, stores and networks.
struct NetDevice<
  Xen: Hypervisor & ~Copyable, Queues: NetQueues & ~Copyable,
  Transport: XenStoreTransport & ~Copyable
>: ~Copyable {
  let leaf: BackendLeaf
  let options: NetOptions
  let log: Logger
  /// For the control ring; queues have their own.
  var hypervisor: Xen
  /// The queues and the network side, and in production the event loop.
  var queues: Queues
  var store: LeafStore<Transport>
  /// Where signs of life go, and what the guest has set.
  let status: StatusPage

  var lifecycle = BackendLifecycle(canReconfigure: true)
  /// Compiled ahead, if its expression turns out to be the right one.
  var knownFilter: PacketFilter?
  /// Known once the leaf has been read.
  var configuration: NetConfiguration?
  var configurationError: NetConfigurationError?
  /// Made once; what the guest has set in it begins anew with every new connection.
  var policy: VifPolicy?
  /// What the connected queues were made from, to notice when the frontend made new ones.
  var ringParameters: NetRingParameters?
  /// The most queues that the frontend's nodes tell of, from which they were made.
  var ringQueueCountMax = 1
  var control: ControlQueue?
  /// The most queues that an earlier process told the guest of, since its rings were taken over.
  var promisedQueueCountMax: Int?
  /// Whether the rings that are being connected are those of an earlier process.
  var isAdopting = false
  /// When the process was told to serve the device, in nanoseconds of the monotonic clock.
  var startedAt = MonotonicClock.nanoseconds()
  /// What was logged last of what comes again and again.
  var lastReason: String?
  var deadlines = Deadlines<Deadline>()
  /// The port to unmask when the turn's work is done.
  var maskedPort: EventChannelPort?
  /// Why the connection to XenStore is of no use any more.
  var storeFailure: XenStoreFailure?
  /// Why a queue's thread cannot go on, through no fault of the guest: the next process can.
  private(set) var queueError: Errno?
  /// Set by the life cycle's last action.
  private(set) var isFinished = false
  /// The time of the event being handled, in nanoseconds of a monotonic clock.
  var now: UInt64 = 0

  /// What a deadline is for.
  enum Deadline: Int, CaseIterable {
    /// The life cycle's timer.
    case hold
  }

  /// What values read from XenStore are for.
  enum Reading: Int {
    case rate
    case multicastControl
    case headroom
  }

  /// Starts to look after a leaf. Nothing happens before ``start(now:knowing:)``.
  init(
    leaf: BackendLeaf, options: NetOptions, log: Logger, hypervisor: consuming Xen,
    queues: consuming Queues, store: consuming XenStoreClient<Transport>, status: StatusPage
  ) {
    self.leaf = leaf
    self.options = options
    self.log = log
    self.hypervisor = hypervisor
    self.queues = queues
    self.store = LeafStore(
      leaf: leaf, client: store, log: log, promiseNodes: NetPromises.nodes, memory: status)
    self.status = status
  }

  /// Reads the leaf and starts to watch it.
  ///
  /// - Parameter known: what init has told of it.
  mutating func start(now: UInt64, knowing known: LeafConfiguration = LeafConfiguration([:])) {
    self.now = now
    store.start(reading: NetConfiguration.nodes, knowing: known)
  }

  /// The next time at which ``turn(now:)`` has something to do of its own, in nanoseconds.
  var nextDeadline: UInt64? { deadlines.next }

  /// Where the vif's frames go.
  var uplink: NetUplink { options.uplink(of: leaf) }

  /// The most queues that the guest may have.
  var queueCountMax: Int {
    promisedQueueCountMax ?? min(options.queueCountMax, uplink.queueCountMax)
  }

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

  /// Does what is due and what the control ring has to do.
  ///
  /// - Returns: whether there is more to do at once.
  mutating func turn(now: UInt64) -> Bool {
    self.now = now
    if deadlines.take(.hold, now) { handle(.timerFired) }
    if queueError == nil, let failure = queues.failure { giveUp(failure) }
    let hasMore = runControl()
    takeStoreEvents()
    return hasMore && !isFinished
  }

  /// A queue has stopped by itself. Where the guest broke the protocol, the life cycle lets go of
  /// all of them. Otherwise the process ends and the guest waits for the next one.
  private mutating func giveUp(_ failure: QueueFailure) {
    log.error("a queue has stopped", metadata: ["reason": "\(failure)"])
    switch failure {
    case .violation:
      _ = disconnectQueues()
      handle(.violation(failure.description))
    case .loop(let errno): queueError = errno
    }
  }

  /// Logs a reason that comes again and again only when it is a new one.
  mutating func logOnce(_ text: String, _ reason: String) {
    guard lastReason != reason else { return }
    lastReason = reason
    log.warning("\(text)", metadata: ["reason": "\(reason)"])
  }

  private mutating func runControl() -> Bool {
    guard let policy else { return false }
    do throws(NetViolation) {
      return try control?.turn(hypervisor: &hypervisor, policy: policy) ?? false
    } catch {
      log.error("the frontend broke the ring protocol", metadata: ["violation": "\(error)"])
      disconnectControl()
      handle(.violation(error.description))
      return true
    }
  }

  /// Feeds the life cycle and does what it says.
  mutating func handle(_ event: BackendLifecycle.Event) {
    for action in lifecycle.handle(event) { perform(action) }
  }

  private mutating func perform(_ action: BackendLifecycle.Action) {
    switch action {
    case .openTarget: openNetwork()
    case .publish(let state, let withFeatures): publish(state, withFeatures: withFeatures)
    case .publishFailure(let reason): store.publishFailure(reason)
    // Nothing of a vif grows.
    case .publishCapacity: store.publish(.connected, with: [])
    case .startTimer(let milliseconds):
      deadlines.set(.hold, now + UInt64(milliseconds) * 1_000_000)
    case .connectRing: readRing(compares: false)
    case .adoptRing: adoptRings()
    case .compareRing: readRing(compares: true)
    case .reconfigure: readHeadroom()
    case .quiesce: quiesce()
    case .removeLeaf: store.removeLeaf()
    case .exit(let reason):
      log.info("done", metadata: ["reason": "\(reason)"])
      isFinished = true
    }
  }
}
