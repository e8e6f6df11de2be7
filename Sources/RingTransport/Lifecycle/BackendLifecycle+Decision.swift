/// Deciding on the next step. Nothing is under way when these run, and each starts at most one
/// action.
extension BackendLifecycle {
  mutating func decide(_ actions: inout [Action]) {
    guard position != .exited else { return }
    if stopRequested {
      return leave("asked to stop", &actions)
    }
    guard let observation = latest else { return }
    if leafLost || !observation.leafExists {
      return leave("the leaf is gone", &actions)
    }
    if position == .new, !begin(observation, &actions) { return }
    if let reason = violation {
      return failConnected(reason, &actions)
    }
    if isUnplugged(observation) {
      return unplug(&actions)
    }
    follow(observation, &actions)
  }

  /// Ends without a word in XenStore: somebody else has the leaf, or will have.
  private mutating func leave(_ reason: String, _ actions: inout [Action]) {
    if hasRing {
      quiesce(then: position, &actions)
    } else {
      exit(reason, &actions)
    }
  }

  /// Judges the leaf as it was found.
  ///
  /// - Returns: whether to go on.
  private mutating func begin(_ observation: Observation, _ actions: inout [Action]) -> Bool {
    switch observation.backendState {
    case .connected:
      // A predecessor died with this ring connected. Taking it over is not this machine's to do yet.
      exit("the leaf is connected already", &actions)
      return false
    case .closing, .closed:
      position = .disconnected
      if observation.backendState == .closed { position = .closed }
    default:
      position = .opening
    }
    return true
  }

  private mutating func failConnected(_ reason: String, _ actions: inout [Action]) {
    if hasRing {
      quiesce(then: .disconnected, &actions)
    } else {
      violation = nil
      fail(reason, &actions)
    }
  }

  /// Whether the toolstack wants the device gone and nobody has to be waited for.
  private func isUnplugged(_ observation: Observation) -> Bool {
    guard !observation.online else { return false }
    guard let frontend = observation.frontendState else { return true }
    if hasRing { return frontend == .closing || frontend == .closed }
    return observation.backendState == .closing || observation.backendState == .closed
  }

  private mutating func unplug(_ actions: inout [Action]) {
    if hasRing {
      quiesce(then: .disconnected, &actions)
    } else if position != .closed, position != .failed {
      publish(.closed, &actions)
    } else if mayRemove {
      pending = .removing
      actions.append(.removeLeaf)
    } else if !isRemovalHeld {
      isRemovalHeld = true
      actions.append(.startTimer(milliseconds: Self.holdMilliseconds))
    }
  }

  /// Follows the frontend.
  private mutating func follow(_ observation: Observation, _ actions: inout [Action]) {
    switch position {
    case .new, .exited: break
    case .opening: offer(&actions)
    case .offered: followOffered(observation, &actions)
    case .attached, .connected, .closing: followConnected(observation, &actions)
    case .disconnected: publish(.closed, &actions)
    case .closed: followClosed(observation, &actions)
    case .failed:
      guard let failed = failedFrontendState, failed == observation.frontendState else {
        failedFrontendState = nil
        if isStarting(observation.frontendState) { offer(&actions) }
        return
      }
    }
  }

  private func isStarting(_ frontend: XenbusState?) -> Bool {
    frontend == .initialising || frontend == .initWait
  }

  private mutating func offer(_ actions: inout [Action]) {
    if hasTarget {
      publish(.initWait, withFeatures: true, &actions)
    } else {
      position = .opening
      pending = .opening
      actions.append(.openTarget)
    }
  }

  private mutating func connect(_ actions: inout [Action]) {
    pending = .connecting
    actions.append(.connectRing)
  }

  private mutating func followOffered(
    _ observation: Observation, _ actions: inout [Action]
  ) {
    switch observation.frontendState {
    case .initialised?, .connected?:
      if !isHolding { connect(&actions) }
    case .closing?: publish(.closing, &actions)
    case .closed?: publish(.closed, &actions)
    default: break
    }
  }

  private mutating func followConnected(
    _ observation: Observation, _ actions: inout [Action]
  ) {
    switch observation.frontendState {
    case nil, .closed?:
      disconnect(&actions)
    case .closing?:
      if position != .closing { publish(.closing, &actions) }
    case .initialised?, .connected?:
      if position == .attached {
        publish(.connected, &actions)
      } else if position == .closing {
        // It changed its mind, and may have changed its ring.
        reconnect(&actions)
      } else if !isCompared {
        // A guest resumed in place goes through 3 too fast to be seen there.
        pending = .comparing
        actions.append(.compareRing)
      } else if capacityChanged {
        capacityChanged = false
        pending = .publishingCapacity
        actions.append(.publishCapacity)
      }
    default:
      // Starting over without having closed.
      if position == .closing { disconnect(&actions) }
      if position == .attached { reconnect(&actions) }
    }
  }

  private mutating func disconnect(_ actions: inout [Action]) {
    if hasRing {
      quiesce(then: .disconnected, &actions)
    } else {
      publish(.closed, &actions)
    }
  }

  private mutating func reconnect(_ actions: inout [Action]) {
    if hasRing {
      quiesce(then: .offered, &actions)
    } else {
      connect(&actions)
    }
  }

  private mutating func followClosed(
    _ observation: Observation, _ actions: inout [Action]
  ) {
    switch observation.frontendState {
    case .initialising?, .initWait?: offer(&actions)
    case .initialised?, .connected?:
      if hasTarget {
        connect(&actions)
      } else {
        pending = .opening
        actions.append(.openTarget)
      }
    default: break
    }
  }
}
