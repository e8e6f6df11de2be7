import RingTransport
import SimulatedXen

/// A random toolstack, a hostile frontend and an owner with random luck around one
/// ``BackendLifecycle``, with the invariants that hold whatever they do.
struct LifecycleWorld {
  typealias Action = BackendLifecycle.Action
  typealias Event = BackendLifecycle.Event

  var generator: SeededGenerator
  var machine = BackendLifecycle()
  var store = BackendLifecycle.Observation(
    leafExists: true, backendState: .initialising, online: true, frontendState: .initialising)
  /// Everything that happened, to print with a failure.
  var trace: [String] = []
  /// Broken invariants.
  var violations: [String] = []

  var outstanding: Action?
  var isTimerRunning = false
  var hasRing = false
  var isServing = false
  var hasExited = false
  /// The timer has run its whole time since 6 was last written.
  var heldClosed = false
  /// What the toolstack may have missed: 2 was written less than a hold ago.
  var isFirstWaitHeld = false
  var firstWaitWasPublished = false
  var targetHasFailed = false
  /// What the machine knows; the store may have moved on.
  var lastObservation: BackendLifecycle.Observation?

  init(seed: UInt64) {
    generator = SeededGenerator(seed: seed)
    let states: [XenbusState] = [.initialising, .initWait, .connected, .closing, .closed]
    if generator.chance(percent: 20) {
      store.backendState = states.randomElement(using: &generator)
      store.frontendState = XenbusState.allCases.randomElement(using: &generator)
    }
  }

  mutating func send(_ event: Event) {
    trace.append("event \(describe(event))")
    let actions = machine.handle(event)
    for action in actions {
      trace.append("  action \(action)")
      check(action)
    }
    require(!hasExited || machine.hasExited, "exit is for good")
  }

  mutating func observe() {
    lastObservation = store
    send(.observed(store))
  }

  private func describe(_ event: Event) -> String {
    guard case .observed(let observation) = event else { return "\(event)" }
    let backend = observation.backendState?.text ?? "none"
    let frontend = observation.frontendState?.text ?? "gone"
    let leaf = observation.leafExists ? "" : " no leaf"
    return "observed backend \(backend) frontend \(frontend) online \(observation.online)\(leaf)"
  }

  /// One random step.
  mutating func step() {
    switch Int.random(in: 0..<100, using: &generator) {
    case 0..<45: answer(successPercent: 75)
    case 45..<55: fireTimer()
    case 55..<85:
      store.frontendState = frontendState()
      // Watch events are folded: not every change is seen.
      if generator.chance(percent: 70) { observe() }
    case 85..<88: send(.capacityChanged)
    case 88..<91: send(.violation("random"))
    case 91..<93:
      store.online = false
      if store.backendState != .closed { store.backendState = .closing }
      observe()
    case 93..<94: store.online = true
    case 94..<95 where generator.chance(percent: 5): store.leafExists = false
    case 94..<95: crash()
    case 95..<96 where generator.chance(percent: 10): send(.stopRequested)
    default: observe()
    }
  }

  /// The process dies, and the next one starts with the store as it is.
  mutating func crash() {
    trace.append("crash")
    machine = BackendLifecycle()
    outstanding = nil
    isTimerRunning = false
    hasRing = false
    isServing = false
    hasExited = false
    targetHasFailed = false
    firstWaitWasPublished = false
    isFirstWaitHeld = false
    heldClosed = false
    observe()
  }

  /// Lets everything that is under way come to an end, without any luck against it.
  mutating func settle() {
    observe()
    for _ in 0..<100 where outstanding != nil || isTimerRunning {
      answer(successPercent: 100)
      fireTimer()
      if store != lastObservation { observe() }
    }
    require(outstanding == nil && !isTimerRunning, "comes to rest")
  }

  private mutating func frontendState() -> XenbusState? {
    if generator.chance(percent: 1) { return nil }
    if generator.chance(percent: 10) {
      return XenbusState.allCases.randomElement(using: &generator)
    }
    let usual: [XenbusState] = [.initialising, .initialised, .connected, .closing, .closed]
    return usual.randomElement(using: &generator)
  }

  private mutating func fireTimer() {
    guard isTimerRunning else { return }
    isTimerRunning = false
    if store.backendState == .closed { heldClosed = true }
    isFirstWaitHeld = false
    send(.timerFired)
  }

  private mutating func answer(successPercent: Int) {
    guard let action = outstanding else { return }
    outstanding = nil
    let isLucky = generator.chance(percent: successPercent)
    switch action {
    case .openTarget:
      targetHasFailed = !isLucky
      send(isLucky ? .targetOpened : .targetFailed("random"))
    case .connectRing:
      isServing = isLucky
      send(isLucky ? .ringConnected : .ringFailed("random"))
    case .adoptRing:
      hasRing = isLucky
      isServing = isLucky
      send(isLucky ? .ringConnected : .ringFailed("random"))
    case .compareRing: send(isLucky ? .ringUnchanged : .ringChanged)
    case .quiesce:
      hasRing = false
      isServing = false
      send(.quiesced)
    case .publish, .publishFailure, .publishCapacity, .removeLeaf:
      guard store.leafExists else { return send(.publishFailed(.leafIsGone)) }
      guard isLucky || generator.chance(percent: 90) else {
        return send(.publishFailed(.refused("random")))
      }
      take(action)
      send(.published)
    case .startTimer, .exit: break
    }
  }

  /// What XenStore has after the action.
  private mutating func take(_ action: Action) {
    switch action {
    case .publish(let state, _):
      store.backendState = state
      if state == .initWait, !firstWaitWasPublished {
        firstWaitWasPublished = true
        isFirstWaitHeld = true
      }
    case .publishFailure: store.backendState = .closed
    case .publishCapacity: store.backendState = .connected
    case .removeLeaf: store.leafExists = false
    default: break
    }
    if store.backendState == .closed, action != .removeLeaf { heldClosed = false }
  }
}
