/// Taking events in.
extension BackendLifecycle {
  /// Takes an event into the state. Decides nothing.
  mutating func absorb(_ event: Event) {
    switch event {
    case .observed(let observation):
      absorb(observation)
    case .timerFired:
      if hold == .initWaitRunning { hold = .none }
      if hold == .removalRunning { hold = .removalOver }
      if hold == .retryRunning { hold = .none }
    case .violation(let reason):
      // Without a ring, or with one that goes anyway, there is nobody left to close.
      if hasRing, outstanding != .quiesce { fail(reason, frontendState: .connected) }
    case .capacityChanged:
      isCapacityStale = true
    case .stopRequested:
      isStopping = true
    case .targetOpened, .targetFailed, .published, .publishFailed, .ringConnected, .ringFailed,
      .ringUnchanged, .ringChanged, .reconfigured, .quiesced:
      absorbAnswer(event)
    }
  }

  private mutating func absorb(_ observation: Observation) {
    let isFirst = self.observation == nil
    self.observation = observation
    needsComparison = true
    if isNewStart(observation.frontendState) { requiresReset = false }
    guard isFirst else {
      if !mayHaveRequests(observation.frontendState) { stopAdoption() }
      return
    }
    switch observation.backendState {
    case .connected, .reconfigured:
      published = observation.backendState
      needsAdoption = isUsed(observation.frontendState)
    case .closing:
      published = .closing
      // Asked to close by the toolstack, the guest may use the disk as long as it likes; asked by
      // the guest, it may wait for its last requests. With any other state it has a new ring.
      needsAdoption =
        observation.frontendState == .closing
        || (!observation.online && isUsed(observation.frontendState))
    case .closed:
      published = .closed
    default:
      published = nil
    }
  }

  /// Whether a frontend in this state has a ring that its backend was connected to.
  func isUsed(_ state: XenbusState?) -> Bool {
    switch state {
    case .initialised, .connected, .closing, .reconfiguring, .reconfigured: true
    case nil, .unknown, .initialising, .initWait, .closed: false
    }
  }

  /// Whether a frontend that had a ring may still wait for answers. One whose state makes no sense
  /// may.
  private func mayHaveRequests(_ state: XenbusState?) -> Bool {
    state != nil && state != .initialising && state != .closed
  }

  /// The frontend has let go of the ring that was to be taken over.
  private mutating func stopAdoption() {
    needsAdoption = false
    if hold == .retryDue { hold = .none }
  }

  /// The device cannot be taken over now. A guest that waits is left waiting, never cut off; one
  /// that is closing is not made to wait.
  private mutating func postponeAdoption() {
    if observation?.frontendState == .closing { return stopAdoption() }
    hold = .retryDue
  }

  /// Whether a frontend in this state has left behind what failed.
  private func isNewStart(_ state: XenbusState?) -> Bool {
    (state == .initialising || state == .closed) && state != failedFrontendState
  }

  private mutating func fail(_ reason: String, frontendState: XenbusState?) {
    fault = reason
    failedFrontendState = frontendState
  }

  private mutating func absorbAnswer(_ event: Event) {
    guard let action = outstanding else { return }
    switch (action, event) {
    case (.openTarget, .targetOpened):
      target = .opened
    case (.openTarget, .targetFailed) where needsAdoption:
      postponeAdoption()
    case (.openTarget, .targetFailed(let reason)):
      target = .failed
      fail(reason, frontendState: frontendStateAtDecision)
    case (.publish(let state, let withFeatures), .published):
      if withFeatures { hasPublishedFeatures = true }
      notePublished(state)
    case (.publishFailure, .published):
      notePublished(.closed)
      requiresReset = !isNewStart(observation?.frontendState)
    case (.publishCapacity, .published):
      break
    case (.removeLeaf, .published):
      isLeafGone = true
      published = nil
    case (_, .publishFailed(let failure)) where action.isPublication:
      notePublishFailure(failure, of: action)
    case (.connectRing, .ringConnected):
      break
    case (.connectRing, .ringFailed(let reason)):
      fail(reason, frontendState: frontendStateAtDecision)
    case (.adoptRing, .ringConnected):
      needsAdoption = false
      hasRing = true
      isAnnounced = true
      hasPublishedFeatures = true
    case (.adoptRing, .ringFailed):
      if needsAdoption { postponeAdoption() }
    case (.compareRing, .ringUnchanged):
      break
    case (.compareRing, .ringChanged):
      isRingStale = true
    case (.reconfigure, .reconfigured):
      isReconfigured = true
    case (.quiesce, .quiesced):
      hasRing = false
      isAnnounced = false
      isRingStale = false
    default:
      return
    }
    outstanding = nil
  }

  private mutating func notePublished(_ state: XenbusState) {
    published = state
    // What was observed while the write was on its way was read before it; a later change of the
    // toolstack fires the watch, and comes as an observation of its own.
    observation?.backendState = state
    switch state {
    case .initWait:
      requiresReset = false
      if isFirstWait { hold = .initWaitDue }
      isFirstWait = false
    case .connected:
      isAnnounced = true
    case .reconfigured:
      isReconfigured = false
    default:
      break
    }
  }

  private mutating func notePublishFailure(_ failure: PublishFailure, of action: Action) {
    switch (failure, action) {
    case (.leafIsGone, _):
      isLeafGone = true
    case (.refused, .publishCapacity):
      // The guest goes on with the old size, which is still there.
      break
    case (.refused(let reason), .publish(.initWait, _)),
      (.refused(let reason), .publish(.connected, _)):
      fail(reason, frontendState: frontendStateAtDecision)
    case (.refused(let reason), _):
      storeRefusal = reason
    }
  }
}

extension BackendLifecycle.Action {
  /// Whether the action's answer is that of XenStore.
  var isPublication: Bool {
    switch self {
    case .publish, .publishFailure, .publishCapacity, .removeLeaf: true
    default: false
    }
  }
}
