import RingTransport
import SimulatedXen

/// The life of a device with an honest guest and toolstack, whose backend process dies at chosen
/// points, with XenStore as it is then, and is followed by a new one.
struct MortalLife {
  typealias Action = BackendLifecycle.Action

  /// How the guest's use of the device goes on once it is connected.
  enum Plot: CaseIterable {
    case unplug
    case destroy
    case restartOfTheGuest
    case resume
  }

  private var generator: SeededGenerator
  /// The points, of those that are counted, at which the process dies.
  private let deaths: Set<Int>
  private(set) var pointCount = 0
  private(set) var deathCount = 0

  private(set) var store = BackendLifecycle.Observation(
    leafExists: true, backendState: .initialising, online: true, frontendState: .initialising)
  {
    // Every write fires the watch, one of the same value too.
    didSet { hasNews = true }
  }
  private var hasNews = true
  /// Which ring the guest's nodes name, and which one the process serves.
  private var ring = 0
  private var servedRing: Int?
  private var machine: BackendLifecycle?
  private var outstanding: Action?
  private var isTimerRunning = false
  /// How often the next process finds target and port still in use by the one that died.
  private var busyCount = 0
  private(set) var trace: [String] = []
  private(set) var violations: [String] = []

  init(seed: UInt64, deaths: Set<Int>) {
    generator = SeededGenerator(seed: seed)
    self.deaths = deaths
  }

  /// Lives through a plot, to the removal of the leaf.
  mutating func live(_ plot: Plot) {
    run("connected") { $0.isServed }
    switch plot {
    case .unplug: break
    case .destroy:
      store.frontendState = nil
    case .restartOfTheGuest:
      for state in [XenbusState.closing, .closed] {
        store.frontendState = state
        run("closed with the guest") { $0.store.backendState == state }
      }
      store.frontendState = .initialising
      run("connected again") { $0.isServed }
    case .resume:
      ring += 1
      store.frontendState = .initialised
      run("connected after resume") { $0.isServed }
    }
    store.online = false
    store.backendState = .closing
    run("removed") { !$0.store.leafExists }
  }

  private var isServed: Bool {
    servedRing == ring && store.frontendState == .connected && store.backendState == .connected
  }

  private mutating func run(_ aim: String, until isReached: (MortalLife) -> Bool) {
    for _ in 0..<2000 where violations.isEmpty {
      if isReached(self) { return }
      step()
    }
    if violations.isEmpty { fail("never \(aim)") }
  }

  private mutating func step() {
    var doers: [(inout MortalLife) -> Void] = [{ $0.driveGuest() }]
    if machine == nil {
      if store.leafExists { doers.append { $0.startProcess() } }
    } else {
      if hasNews { doers.append { $0.observe() } }
      if outstanding != nil { doers.append { $0.carryOut() } }
      if isTimerRunning { doers.append { $0.fireTimer() } }
    }
    doers.randomElement(using: &generator)?(&self)
  }

  // MARK: The guest

  private mutating func driveGuest() {
    switch (store.backendState, store.frontendState) {
    case (.initWait, .initialising):
      ring += 1
      store.frontendState = .initialised
    case (.connected, .initialised): store.frontendState = .connected
    case (.closing, .connected), (.closing, .initialised):
      if store.online { fail("5 for a guest that uses its device") }
      store.frontendState = .closed
    case (.closed, .connected), (.closed, .initialised): fail("6 for a guest that uses its device")
    default: break
    }
  }

  // MARK: The process

  private mutating func startProcess() {
    trace.append("start")
    machine = BackendLifecycle()
    observe()
  }

  /// A point at which the process can die.
  ///
  /// - Returns: whether it does.
  private mutating func dies() -> Bool {
    pointCount += 1
    guard deaths.contains(pointCount) else { return false }
    trace.append("death")
    deathCount += 1
    busyCount = Int.random(in: 0...3, using: &generator)
    endProcess()
    return true
  }

  private mutating func endProcess() {
    machine = nil
    outstanding = nil
    isTimerRunning = false
    servedRing = nil
  }

  private mutating func observe() {
    hasNews = false
    send(.observed(store))
  }

  private mutating func send(_ event: BackendLifecycle.Event) {
    trace.append("\(event)")
    for action in machine?.handle(event) ?? [] {
      trace.append("  \(action)")
      switch action {
      case .startTimer: isTimerRunning = true
      case .exit: return endProcess()
      default: outstanding = action
      }
    }
  }

  private mutating func fireTimer() {
    if dies() { return }
    isTimerRunning = false
    send(.timerFired)
  }

  private mutating func carryOut() {
    guard let action = outstanding, !dies() else { return }
    let answer = effect(of: action)
    if dies() { return }
    outstanding = nil
    send(answer)
  }

  private mutating func effect(of action: Action) -> BackendLifecycle.Event {
    switch action {
    case .openTarget: return isBusy() ? .targetFailed("busy") : .targetOpened
    case .adoptRing:
      if isBusy() { return .ringFailed("busy") }
      servedRing = ring
      return .ringConnected
    case .connectRing:
      servedRing = ring
      return .ringConnected
    case .compareRing: return servedRing == ring ? .ringUnchanged : .ringChanged
    case .quiesce:
      servedRing = nil
      return .quiesced
    case .publish(let state, let withFeatures): return publish(state, withFeatures)
    case .publishFailure(let reason):
      fail("failure: \(reason)")
      return .published
    case .publishCapacity: return publish(.connected, false)
    case .removeLeaf:
      store.leafExists = false
      return .published
    case .startTimer, .exit: return .quiesced
    }
  }

  /// What the last process had is in use for a moment, which only a device that is taken over has
  /// all the time for.
  private mutating func isBusy() -> Bool {
    guard busyCount > 0, machine?.needsAdoption == true else { return false }
    busyCount -= 1
    return true
  }

  private mutating func publish(
    _ state: XenbusState, _ withFeatures: Bool
  ) -> BackendLifecycle.Event {
    guard store.leafExists else { return .publishFailed(.leafIsGone) }
    let isInUse = store.backendState == .connected && store.frontendState == .connected
    if isInUse, store.online {
      if state == .closing || state == .closed { fail("\(state) while the guest is connected") }
      if withFeatures { fail("new features for a connected guest") }
      if servedRing == nil { fail("published before the ring was taken over") }
    }
    store.backendState = state
    return .published
  }

  private mutating func fail(_ rule: String) {
    trace.append("  BROKEN: \(rule)")
    violations.append(rule)
  }
}
