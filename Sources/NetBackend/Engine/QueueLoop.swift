import RingTransport
import Synchronization
import SystemPackage

private enum Token {
  static let wakeUp = 1
  static let frames = 2
}

/// The event loop of one queue: waits for the guest, for frames, and for the control thread.
struct QueueLoop<Port: PolledPort & ~Copyable>: ~Copyable {
  private var hypervisor: XenHypervisor
  private var queue: NetQueue
  private var port: Port
  private var loop: EventLoop
  private let thread: QueueThread
  private let heartbeat: Heartbeat
  private var sums: NetSums
  private var maskedPort: EventChannelPort?
  private var isAwaitingFrames = false
  /// False from the moment at which the loop listens for frames until one comes: a turn for the
  /// guest's packets alone need not look for any.
  private var mayHaveFrames = true
  private var isStopping = false

  /// Connects a queue, on the thread that will serve it.
  ///
  /// - Parameters:
  ///   - number: the queue's, which its place in the status page follows from.
  ///   - adopts: whether an earlier process has served the rings and died.
  ///   - hypervisor: of this queue alone, as is the loop.
  init(
    _ parameters: NetQueueParameters, guest: NetGuest, policy: VifPolicy, thread: QueueThread,
    status: StatusPage, number: Int, adopts: Bool,
    hypervisor: consuming XenHypervisor, loop: consuming EventLoop, port: consuming Port
  ) throws(NetConnectionError) {
    let queue = try NetQueue(
      parameters, guest: guest, policy: policy, keptIn: StatusBuffer(status, number),
      adopts: adopts, hypervisor: &hypervisor)
    loop.pollReadable(thread.wakeUp.descriptor, token: Token.wakeUp)
    self.hypervisor = hypervisor
    self.queue = queue
    self.port = port
    self.loop = loop
    self.thread = thread
    heartbeat = Heartbeat(status, thread: 1 + number)
    sums = NetSums(status)
  }

  /// Serves until the control thread says stop, or the guest breaks the protocol. The guest's rings
  /// and event channels are let go of before this returns.
  consuming func run() {
    do throws(QueueFailure) {
      try serve()
    } catch {
      thread.failed(error)
    }
    let statistics = queue.totals
    queue.unbind(&hypervisor)
    heartbeat.end()
    thread.state.withLock { $0.statistics = statistics }
  }

  private mutating func serve() throws(QueueFailure) {
    var outcome = NetQueue.Outcome(hasMore: true)
    // The thread was started in a hurry.
    var haste = Haste()
    while true {
      do throws(Errno) {
        try loop.wait(
          timeoutNanoseconds: heartbeat.waitingTime(
            until: outcome.notBefore, hasMore: outcome.hasMore))
        heartbeat.tick()
        try takeEvents()
      } catch {
        throw .loop(error)
      }
      if isStopping { return }
      do throws(NetViolation) {
        outcome = try queue.turn(
          hypervisor: &hypervisor, port: &port, mayHaveFrames: mayHaveFrames,
          now: MonotonicClock.recentNanoseconds())
      } catch {
        throw .violation(error)
      }
      if let port = hypervisor.takeNotification() { loop.notify(port) }
      sums.report(queue.totals)
      if !outcome.hasMore { listen(outcome) }
      haste.turned()
    }
  }

  /// Only when the work is done: until then events would be in vain.
  private mutating func listen(_ outcome: NetQueue.Outcome) {
    if outcome.wantsFrames {
      mayHaveFrames = false
      if !isAwaitingFrames {
        isAwaitingFrames = true
        awaitFrames()
      }
    }
    if let port = maskedPort {
      maskedPort = nil
      loop.armEventChannel(unmasking: port)
    }
  }

  private mutating func awaitFrames() {
    guard port.readsAhead else {
      loop.pollReadable(port.descriptor, token: Token.frames)
      return
    }
    let place = queue.awaitFrame()
    loop.read(
      from: port.descriptor, at: 0, byteCount: place.roomByteCount, into: queue.receive.memory,
      at: place.offset, token: Token.frames)
  }

  private mutating func takeEvents() throws(Errno) {
    while let event = try loop.nextEvent() {
      switch event {
      case .eventChannel(let port): maskedPort = port
      case .ready(Token.frames):
        isAwaitingFrames = false
        mayHaveFrames = true
      case .ready: takeOrders()
      case .operation(Token.frames, let result):
        isAwaitingFrames = false
        mayHaveFrames = true
        queue.frameArrived(byteCount: result > 0 ? result : nil, port: &port)
      case .operation, .copy, .xenStore, .stopSignal: break
      }
    }
  }

  /// What the control thread wants.
  private mutating func takeOrders() {
    thread.wakeUp.clear()
    // Another queue wakes this one for frames in its inbox.
    mayHaveFrames = true
    let (stops, headroom) = thread.state.withLock { state in
      (state.isStopping, state.headroomByteCount.take())
    }
    isStopping = stops
    if let headroom { queue.setHeadroom(byteCount: headroom) }
    if !stops { loop.pollReadable(thread.wakeUp.descriptor, token: Token.wakeUp) }
  }
}
