/// Taking in what became of the action under way.
extension BackendLifecycle {
  mutating func finishHold() {
    if isRemovalHeld {
      isRemovalHeld = false
      mayRemove = true
    }
    isHolding = false
  }

  /// An answer that does not fit what is under way is ignored: it belongs to nothing.
  mutating func finishPending(_ event: Event, _ actions: inout [Action]) {
    switch (pending, event) {
    case (.opening, .targetOpened):
      pending = nil
      hasTarget = true
    case (.opening, .targetFailed(let reason)), (.connecting, .ringFailed(let reason)):
      fail(reason, &actions)
    case (.publishing(let state), .published):
      pending = nil
      finishPublishing(state, &actions)
    case (.publishingFailure, .published):
      pending = nil
      position = .failed
      failedFrontendState = .some(latest?.frontendState)
    case (.publishingCapacity, .published):
      pending = nil
    case (.publishing, .publishFailed), (.publishingFailure, .publishFailed),
      (.publishingCapacity, .publishFailed):
      pending = nil
      leafLost = true
    case (.connecting, .ringConnected):
      pending = nil
      hasRing = true
      isCompared = true
      position = .attached
    case (.comparing, .ringUnchanged):
      pending = nil
      isCompared = true
    case (.comparing, .ringChanged):
      pending = nil
      quiesce(then: .offered, &actions)
    case (.quiescing(let next), .quiesced):
      pending = nil
      hasRing = false
      position = next
    case (.removing, .leafRemoved):
      pending = nil
      exit("the device is gone", &actions)
    default:
      break
    }
  }

  private mutating func finishPublishing(_ state: XenbusState, _ actions: inout [Action]) {
    switch state {
    case .initWait:
      position = .offered
      if !firstOfferDone {
        firstOfferDone = true
        isHolding = true
        actions.append(.startTimer(milliseconds: Self.holdMilliseconds))
      }
    case .connected: position = .connected
    case .closing: position = .closing
    default: position = .closed
    }
  }

  mutating func fail(_ reason: String, _ actions: inout [Action]) {
    pending = .publishingFailure
    actions.append(.publishFailure(reason))
  }

  mutating func publish(
    _ state: XenbusState, withFeatures: Bool = false, _ actions: inout [Action]
  ) {
    pending = .publishing(state)
    actions.append(.publish(state, withFeatures: withFeatures))
  }

  mutating func quiesce(then next: Position, _ actions: inout [Action]) {
    pending = .quiescing(then: next)
    actions.append(.quiesce)
  }

  mutating func exit(_ reason: String, _ actions: inout [Action]) {
    position = .exited
    actions.append(.exit(reason))
  }
}
