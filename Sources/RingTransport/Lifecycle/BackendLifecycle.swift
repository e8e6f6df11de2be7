/// What a backend does about its device, from the first look at its leaf to the last: the contract
/// with libxl and with every frontend, as a pure state machine. Both backends use it.
///
/// It judges levels, not edges: whenever something may have changed, the owner reads one
/// ``Observation`` and feeds it in, and the machine acts on the latest one. At most one action is
/// under way; what is observed meanwhile is remembered and judged afterwards. So a frontend that
/// toggles its state costs bounded work, whatever it does (XSA-350).
///
/// The contract, from libxl (`libxl_device.c`) and Linux blkback and netback:
/// - state 1: open the target, publish features and state 2 together. libxl waits for exactly 2, so
///   a device's first 2 stands for ``holdMilliseconds``.
/// - frontend 3 (or 4, from frontends that skip it): connect the ring, publish 4.
/// - frontend 5: publish 5. Frontend 6: let go of the ring, publish 6. Frontend 1 after that (kexec,
///   a boot loader's handover): back to 2. A frontend waits for each of these states to be visible.
/// - unplug (`online` 0 and state 5, from the toolstack): wait for the frontend to close, if it has
///   a ring and still exists; then 6, hold it, remove the leaf. On destruction the frontend's
///   directory vanishes together with the request, and nothing is waited for.
/// - frontend 3 or 4 with another ring while connected: the guest was suspended and resumed in place;
///   change rings and show neither 5 nor 6.
///
/// Pure and single-threaded: no I/O, no clock.
public struct BackendLifecycle: Sendable {
  /// How long libxl gets to see state 2, and 6 before the leaf goes. Its test is equality with what
  /// it reads after the watch fired, so a state that is overwritten too early is a time-out of 10 s.
  public static let holdMilliseconds = 100

  /// All that the machine judges by, read at one time.
  public struct Observation: Equatable, Sendable {
    /// Whether the leaf is there.
    public var leafExists: Bool
    /// Our own `state` node, which the toolstack may have overwritten.
    public var backendState: XenbusState
    /// Our `online` node: whether the device is to stay.
    public var online: Bool
    /// The frontend's `state` node, nil when it cannot be read because its directory is gone.
    public var frontendState: XenbusState?

    /// Creates an observation.
    public init(
      leafExists: Bool, backendState: XenbusState, online: Bool, frontendState: XenbusState?
    ) {
      self.leafExists = leafExists
      self.backendState = backendState
      self.online = online
      self.frontendState = frontendState
    }
  }

  /// What happened.
  public enum Event: Equatable, Sendable {
    /// The nodes were read, because a watch fired or at the start.
    case observed(Observation)
    /// Outcome of ``Action/openTarget``.
    case targetOpened
    /// Outcome of ``Action/openTarget``: the reason is for the administrator.
    case targetFailed(String)
    /// Outcome of the publishing actions.
    case published
    /// Outcome of the publishing actions: the leaf cannot be written, so it is not ours any more.
    case publishFailed
    /// ``Action/startTimer(milliseconds:)`` ran out.
    case timerFired
    /// Outcome of ``Action/connectRing``.
    case ringConnected
    /// Outcome of ``Action/connectRing``: what the frontend says about its ring is wrong.
    case ringFailed(String)
    /// Outcome of ``Action/compareRing``: the frontend's ring is the connected one.
    case ringUnchanged
    /// Outcome of ``Action/compareRing``: the frontend has made a new ring.
    case ringChanged
    /// Outcome of ``Action/quiesce``: nothing in flight, nothing mapped, no port bound.
    case quiesced
    /// The frontend broke the protocol of the connected ring.
    case violation(String)
    /// The target has another size.
    case capacityChanged
    /// Outcome of ``Action/removeLeaf``.
    case leafRemoved
    /// The process is to end and leave everything as it is.
    case stopRequested
  }

  /// What the owner is to do, in order.
  public enum Action: Equatable, Sendable {
    /// Open what the device is made of; answer `targetOpened` or `targetFailed`.
    case openTarget
    /// Write the state, with the features in the same transaction where asked; answer `published`
    /// or `publishFailed`.
    case publish(XenbusState, withFeatures: Bool)
    /// Write `hotplug-error`, `hotplug-status` and state 6; answer as above.
    case publishFailure(String)
    /// Write the new size and state 4 once more; answer as above.
    case publishCapacity
    /// Feed `timerFired` after so long. Replaces a timer that is running.
    case startTimer(milliseconds: Int)
    /// Map the frontend's ring and bind its port; answer `ringConnected` or `ringFailed`.
    case connectRing
    /// Compare the frontend's ring with the connected one; answer `ringUnchanged` or `ringChanged`.
    case compareRing
    /// Take no more requests, finish those in flight, let go of ring and port; answer `quiesced`.
    case quiesce
    /// Remove the leaf; answer `leafRemoved`.
    case removeLeaf
    /// End. Nothing follows. The reason is for the log.
    case exit(String)
  }

  /// How far the device is, between actions.
  enum Position: Equatable, Sendable {
    /// Nothing was judged yet.
    case new
    /// The target is open, or about to be, and state 2 is to be published.
    case opening
    /// State 2 stands; no ring.
    case offered
    /// The ring is connected; state 4 is to be published.
    case attached
    /// State 4 stands; the ring is connected.
    case connected
    /// State 5 stands.
    case closing
    /// No ring; state 6 is to be published.
    case disconnected
    /// State 6 stands; no ring.
    case closed
    /// State 6 and an error stand; no ring.
    case failed
    /// The end.
    case exited
  }

  /// The action under way.
  enum Pending: Equatable, Sendable {
    case opening
    case publishing(XenbusState)
    case publishingFailure
    case publishingCapacity
    case connecting
    case comparing
    case quiescing(then: Position)
    case removing
  }

  var position = Position.new
  var pending: Pending?
  var latest: Observation?
  var hasTarget = false
  var hasRing = false
  /// Whether `holdMilliseconds` have to pass before the next step, and whether they have.
  var isHolding = false
  var firstOfferDone = false
  /// Set when state 6 stands for an unplug and its hold is over.
  var mayRemove = false
  var isRemovalHeld = false
  /// The frontend's ring has been compared with the connected one since the last observation.
  var isCompared = false
  /// The frontend's state when the device failed, until it shows another one.
  var failedFrontendState: XenbusState??
  var violation: String?
  var capacityChanged = false
  var stopRequested = false
  var leafLost = false

  /// A machine that has seen nothing yet.
  public init() {}

  /// Takes in an event.
  ///
  /// - Returns: what to do now, in order.
  public mutating func handle(_ event: Event) -> [Action] {
    guard position != .exited else { return [] }
    var actions: [Action] = []
    switch event {
    case .observed(let observation):
      latest = observation
      isCompared = false
    case .violation(let reason): violation = reason
    case .capacityChanged: capacityChanged = true
    case .stopRequested: stopRequested = true
    case .timerFired: finishHold()
    case .targetOpened, .targetFailed, .published, .publishFailed, .ringConnected, .ringFailed,
      .ringUnchanged, .ringChanged, .quiesced, .leafRemoved:
      finishPending(event, &actions)
    }
    if pending == nil { decide(&actions) }
    return actions
  }
}
