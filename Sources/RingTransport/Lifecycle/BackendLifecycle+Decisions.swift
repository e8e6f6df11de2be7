/// What to do next, from the state alone. Only called while no action is outstanding.
extension BackendLifecycle {
  mutating func nextAction() -> Action? {
    guard let observation else { return isStopping ? .exit(.stopped) : nil }
    if isLeafGone || !observation.leafExists {
      return release(.exit(hold == .removalOver ? .removed : .leafIsGone))
    }
    if isStopping { return release(.exit(.stopped)) }
    if let storeRefusal { return release(.exit(.storeRefused(storeRefusal))) }
    if hold == .initWaitDue { return .startTimer(milliseconds: Self.holdMilliseconds) }
    if hold == .retryDue { return retry() }
    if isLeaving(observation) { return leave(observation) }
    // The removal was called off while its 6 was held.
    if hold == .removalOver { hold = .none }
    if let fault {
      if hasRing { return .quiesce }
      self.fault = nil
      return .publishFailure(fault)
    }
    if observation.backendState == .initialising, published != nil {
      // The toolstack has created the leaf anew, perhaps with another target: a new process.
      return release(.exit(.leafReplaced))
    }
    if needsAdoption { return adopt(observation) }
    return observation.online ? serve(observation) : unplug(observation)
  }

  /// Takes over what an earlier process has left, without a word to anybody: for most guests a 5 or
  /// a 6 is the end of the device.
  private func adopt(_ observation: Observation) -> Action? {
    guard hold == .none, isUsed(observation.frontendState) else { return nil }
    return target == .opened ? .adoptRing : .openTarget
  }

  private mutating func retry() -> Action {
    let delay = retryMilliseconds
    retryMilliseconds = min(2 * delay, Self.longestRetryMilliseconds)
    return .startTimer(milliseconds: delay)
  }

  /// First lets go of the ring.
  private func release(_ action: Action) -> Action {
    hasRing ? .quiesce : action
  }

  /// Whether the device goes for good, and nobody's requests are in the way.
  private func isLeaving(_ observation: Observation) -> Bool {
    guard let frontend = observation.frontendState else { return true }
    if observation.online || needsAdoption { return false }
    // A connected guest may refuse to give up a disk in use; it is asked, never cut off, as with
    // Linux's blkback. One that was never told 4 has nothing to give up.
    return !hasRing || !isAnnounced || frontend == .closed || frontend == .initialising
  }

  /// 6, long enough for libxl to see it, and then the leaf goes: libxl waits for both.
  private mutating func leave(_ observation: Observation) -> Action? {
    fault = nil
    if hasRing { return .quiesce }
    if hold != .none && hold != .removalOver { return nil }
    // The toolstack has written 5 over what we had published.
    if published != .closed || observation.backendState != .closed {
      hold = .none
      return .publish(.closed, withFeatures: false)
    }
    return hold == .removalOver ? .removeLeaf : .startTimer(milliseconds: Self.holdMilliseconds)
  }

  /// The toolstack wants the device gone, and the guest still uses it.
  private func unplug(_ observation: Observation) -> Action? {
    if isRingStale { return .quiesce }
    // Our 4 may have gone over the toolstack's 5; without a 5 the guest would never give way.
    if observation.backendState != .closing && observation.backendState != .closed {
      return .publish(.closing, withFeatures: false)
    }
    let isInUse =
      observation.frontendState == .initialised || observation.frontendState == .connected
    return isInUse && needsComparison ? .compareRing : nil
  }

  /// The device is to stay: follow the frontend.
  private func serve(_ observation: Observation) -> Action? {
    guard hold == .none else { return nil }
    if published == nil { return welcome() }
    switch observation.frontendState {
    case .initialising:
      if hasRing { return .quiesce }
      return published == .initWait || requiresReset ? nil : welcome()
    case .initialised, .connected:
      return hasRing ? continueRing() : connect()
    case .closing:
      if published == .closing || published == .closed { return nil }
      return .publish(.closing, withFeatures: false)
    case .closed:
      if hasRing { return .quiesce }
      // Stays 6 until the frontend leaves its 6: xenbus_reset_frontend waits for 5, 6 and 2 in
      // turn, and must see each.
      return published == .closed ? nil : .publish(.closed, withFeatures: false)
    case .reconfiguring:
      return reconfigure()
    case nil, .unknown, .initWait, .reconfigured:
      return hasRing && isAnnounced && isCapacityStale ? .publishCapacity : nil
    }
  }

  /// The frontend waits for our 8, without a limit.
  private func reconfigure() -> Action? {
    guard canReconfigure, hasRing, isAnnounced else { return nil }
    if isReconfigured { return .publish(.reconfigured, withFeatures: false) }
    return published == .connected ? .reconfigure : nil
  }

  /// Publishes the features and 2, with the target open.
  private func welcome() -> Action? {
    switch target {
    case .unopened: .openTarget
    case .opened: .publish(.initWait, withFeatures: true)
    case .failed: nil
    }
  }

  /// The frontend has published a ring, with 3, or with 4 where it does not wait for our 2 (EDK2,
  /// mini-os).
  private func connect() -> Action? {
    if requiresReset { return nil }
    return switch target {
    case .unopened: .openTarget
    case .opened: .connectRing
    case .failed: nil
    }
  }

  /// The frontend is in 3 or 4, and we have a ring.
  private func continueRing() -> Action? {
    // A frontend that said 5 and says 3 or 4 now has a new ring; so has one that was resumed.
    if isRingStale || published == .closing { return .quiesce }
    if !isAnnounced { return .publish(.connected, withFeatures: !hasPublishedFeatures) }
    // It has seen our 8. Without a 4 in between it could not tell the next 8 from this one.
    if published == .reconfigured { return .publish(.connected, withFeatures: false) }
    // A suspended guest comes back with 3 and a new ring, and goes on to 4 at once when it finds
    // our 4; the 3 may never be seen.
    if needsComparison { return .compareRing }
    return isCapacityStale ? .publishCapacity : nil
  }
}
