import RingTransport

extension LifecycleWorld {
  mutating func require(_ condition: Bool, _ rule: String) {
    guard !condition else { return }
    trace.append("  BROKEN: \(rule)")
    violations.append(rule)
  }

  /// The rules that every action keeps.
  mutating func check(_ action: Action) {
    require(!hasExited, "no action after exit")
    switch action {
    case .startTimer(let milliseconds):
      require(!isTimerRunning, "one timer at a time")
      require(
        milliseconds >= 100 || machine.needsAdoption, "held long enough for libxl")
      isTimerRunning = true
      return
    case .exit(let reason):
      require(!hasRing, "no exit with a ring")
      if reason == .removed { require(!store.leafExists, "removed means removed") }
      hasExited = true
      return
    default:
      require(outstanding == nil, "one action at a time")
      outstanding = action
    }
    checkTransport(action)
  }

  private mutating func checkTransport(_ action: Action) {
    switch action {
    case .connectRing:
      require(!hasRing, "connectRing and quiesce alternate")
      require(!isFirstWaitHeld, "the first 2 is held before a connection")
      hasRing = true
    case .adoptRing:
      require(!hasRing, "taken over once")
      require(store.backendState != .initialising, "only what was connected is taken over")
    case .quiesce:
      require(hasRing, "connectRing and quiesce alternate")
    case .compareRing, .publishCapacity:
      require(isServing, "only with a ring that is served")
    case .publish(.connected, _):
      require(isServing, "4 only with a ring that is served")
      require(!isFirstWaitHeld, "the first 2 is held")
    case .publish(.closed, _), .publishFailure:
      require(!hasRing, "6 only without a ring")
    case .publish(.initWait, let withFeatures):
      require(!hasRing, "2 only without a ring")
      require(withFeatures, "2 comes with the features")
      require(
        store.frontendState != .closed || machineSawAnotherFrontend
          || store.backendState != .closed, "6 stays until the frontend leaves its 6")
    case .removeLeaf:
      require(!hasRing, "the leaf goes only without a ring")
      require(heldClosed, "6 is held before the leaf goes")
    default:
      break
    }
  }

  /// The store may have moved on since the machine looked.
  private var machineSawAnotherFrontend: Bool {
    lastObservation?.frontendState != .closed
  }
}
