/// The life of one backend device: what it does about what the toolstack and the frontend do.
///
/// A pure state machine: events in, actions out, no I/O, no clock. It knows neither block nor net.
///
/// It is level-triggered. An observation replaces the one before it, and the next action follows
/// from where we are and from the latest observation, never from the path that led there; so lost,
/// folded and late watch events do no harm, and a frontend that toggles its state costs at most one
/// round of actions an observation (XSA-350). At most one action waits for its answer; what happens
/// meanwhile is remembered.
///
/// The contract with the toolstack is libxl's: `libxl__wait_device_connection` and
/// `libxl__initiate_device_generic_remove` in `tools/libs/light/libxl_device.c` of Xen 4.17.
public struct BackendLifecycle: Sendable {
  /// How long a state stays that libxl must see. libxl compares for equality with the value that
  /// it reads after the watch event, so the first 2 must not become 4, and the last 6 must not
  /// vanish, before Dom0 has had time to read. 100 ms have been seen to be too short for a busy
  /// Dom0.
  public static let holdMilliseconds = 500

  /// How long to wait before a device that cannot be taken over yet is tried again: first this
  /// long, then twice as long each time, up to ``longestRetryMilliseconds``. What is waited for is
  /// the last process on its way out, which takes milliseconds, or a device on its way back.
  public static let firstRetryMilliseconds = 5
  /// See ``firstRetryMilliseconds``. A guest that waits notices no more than this.
  public static let longestRetryMilliseconds = 1000

  enum Target: Sendable {
    case unopened
    case opened
    case failed
  }

  enum Hold: Sendable {
    case none
    /// The first 2 was published; its timer is to be started.
    case initWaitDue
    case initWaitRunning
    case removalRunning
    /// The last 6 has been there long enough.
    case removalOver
    /// Taking the device over failed; its timer is to be started.
    case retryDue
    case retryRunning
  }

  /// The last read of XenStore; `backendState` also follows what we publish ourselves.
  var observation: Observation?
  /// The action that was not answered yet.
  var outstanding: Action?
  var target = Target.unopened
  /// What we have told the frontend; nil before the first word. Not the same as the `state` node,
  /// which the toolstack writes too.
  var published: XenbusState?
  /// Something may be mapped or bound: between `connectRing` and `quiesced`.
  var hasRing = false
  /// The frontend was told (4) of the ring that we have.
  var isAnnounced = false
  /// The frontend's nodes name another ring than the one that we have.
  var isRingStale = false
  /// There was an observation since the ring was last compared.
  var needsComparison = false
  /// After a failure the frontend has to start anew before we believe its ring nodes again;
  /// otherwise we would fail again and again.
  var requiresReset = false
  /// The frontend's state that the failure belongs to: only another one can be a new start.
  var failedFrontendState: XenbusState?
  /// The frontend's state when the outstanding action was decided.
  var frontendStateAtDecision: XenbusState?
  var hasPublishedFeatures = false
  var hold = Hold.none
  /// The next 2 is the first one since the toolstack created the leaf.
  var isFirstWait = true
  var isCapacityStale = false
  /// What the frontend changed is in force, and it is to be told.
  var isReconfigured = false
  var isLeafGone = false
  /// An earlier process has connected the device and died, and the guest has not moved on: its ring
  /// is to be taken over, and until then nothing may be published.
  public internal(set) var needsAdoption = false
  var retryMilliseconds = Self.firstRetryMilliseconds
  /// Whether the process was asked to end.
  public internal(set) var isStopping = false
  /// What went wrong and was not published yet.
  var fault: String?
  var storeRefusal: String?
  /// Whether ``Action/exit(_:)`` was given out.
  public private(set) var hasExited = false

  /// Whether the protocol knows of changes without a new ring.
  let canReconfigure: Bool

  /// Creates the state of a process that has just started. The first event is an observation.
  ///
  /// - Parameter canReconfigure: whether a connected frontend may change something by way of the
  ///   states Reconfiguring and Reconfigured, as Linux's xen-netfront does.
  public init(canReconfigure: Bool = false) {
    self.canReconfigure = canReconfigure
  }

  /// Takes an event and answers what to do, in this order.
  ///
  /// An answer to an action that was never given is ignored, and so is everything after `exit`.
  public mutating func handle(_ event: Event) -> [Action] {
    guard !hasExited else { return [] }
    absorb(event)
    var actions: [Action] = []
    while outstanding == nil, !hasExited, let action = nextAction() {
      actions.append(action)
      begin(action)
    }
    return actions
  }

  private mutating func begin(_ action: Action) {
    switch action {
    case .startTimer:
      hold =
        switch hold {
        case .initWaitDue: .initWaitRunning
        case .retryDue: .retryRunning
        default: .removalRunning
        }
      return
    case .exit:
      hasExited = true
      return
    case .connectRing:
      precondition(!hasRing, "quiesced before it connects again")
      hasRing = true
      isAnnounced = false
      needsComparison = false
    case .quiesce:
      precondition(hasRing, "something to quiesce")
    case .compareRing, .adoptRing:
      needsComparison = false
    case .publish(.connected, _), .publishCapacity:
      isCapacityStale = false
    case .openTarget, .publish, .publishFailure, .removeLeaf, .reconfigure:
      break
    }
    frontendStateAtDecision = observation?.frontendState
    outstanding = action
  }
}
