import RingTransport
import SimulatedXen
import Testing

/// Taking over what a dead process has left.
@Suite struct BackendLifecycleAdoptionTests {
  typealias Lifecycle = BackendLifecycle

  /// Death at every single point of a life: the device goes on, and the guest notices nothing.
  @Test(arguments: MortalLife.Plot.allCases, testSeeds(count: 20))
  func deathAtEveryPoint(plot: MortalLife.Plot, seed: UInt64) {
    var whole = MortalLife(seed: seed, deaths: [])
    whole.live(plot)
    expectNoViolations(whole, plot, seed)
    #expect(whole.pointCount > 15)
    for point in 1...whole.pointCount {
      var life = MortalLife(seed: seed, deaths: [point])
      life.live(plot)
      expectNoViolations(life, plot, seed)
      #expect(life.deathCount == 1)
    }
  }

  /// Many deaths in one life, at points that belong to the take-over itself too.
  @Test(arguments: MortalLife.Plot.allCases, testSeeds(count: 200))
  func manyDeaths(plot: MortalLife.Plot, seed: UInt64) {
    var generator = SeededGenerator(seed: seed)
    let deaths = (0..<8).map { _ in Int.random(in: 1...60, using: &generator) }
    var life = MortalLife(seed: seed, deaths: Set(deaths))
    life.live(plot)
    expectNoViolations(life, plot, seed)
  }

  private func expectNoViolations(_ life: MortalLife, _ plot: MortalLife.Plot, _ seed: UInt64) {
    guard let rule = life.violations.first else { return }
    Issue.record(
      "SEED=\(seed) \(plot): \(rule)\n\(life.trace.suffix(60).joined(separator: "\n"))")
  }

  @Test(arguments: [XenbusState.initialised, .connected])
  func aConnectedDeviceIsTakenOverWithoutAWord(frontend: XenbusState) {
    var harness = LifecycleHarness(backend: .connected, frontend: frontend)
    #expect(harness.observe() == [.openTarget])
    #expect(harness.send(.targetOpened) == [.adoptRing])
    #expect(harness.send(.ringConnected) == [])
    #expect(harness.observe() == [.compareRing])
    #expect(harness.send(.ringUnchanged) == [])
    #expect(harness.send(.capacityChanged) == [.publishCapacity])
  }

  /// The guest waits as long as it takes; the tries get rarer.
  @Test func whatFailsIsTriedAgain() {
    var harness = LifecycleHarness(backend: .connected, frontend: .connected)
    #expect(harness.observe() == [.openTarget])
    for delay in [5, 10, 20, 40, 80, 160, 320, 640, 1000, 1000] {
      #expect(harness.send(.targetFailed("in use")) == [.startTimer(milliseconds: delay)])
      #expect(harness.observe() == [])
      #expect(harness.send(.timerFired) == [.openTarget])
    }
    #expect(harness.send(.targetOpened) == [.adoptRing])
    #expect(harness.send(.ringFailed("port in use")) == [.startTimer(milliseconds: 1000)])
    #expect(harness.send(.timerFired) == [.adoptRing])
    #expect(harness.send(.ringConnected) == [])
  }

  @Test func aGuestThatClosesMeanwhileIsNotMadeToWait() {
    var harness = LifecycleHarness(backend: .connected, frontend: .connected)
    #expect(harness.observe() == [.openTarget])
    #expect(harness.send(.targetFailed("in use")) == [.startTimer(milliseconds: 5)])
    #expect(harness.frontend(.closed) == [])
    #expect(harness.send(.timerFired) == [.publish(.closed, withFeatures: false)])
    #expect(harness.published(.closed) == [])
    #expect(harness.frontend(.initialising) == [.openTarget])
  }

  /// A guest that had begun to close may wait for its last requests; if they cannot be served, it
  /// is closed all the same.
  @Test(arguments: [true, false])
  func aClosingGuestIsServedToItsEnd(canBeServed: Bool) {
    var harness = LifecycleHarness(backend: .connected, frontend: .closing)
    #expect(harness.observe() == [.openTarget])
    #expect(harness.send(.targetOpened) == [.adoptRing])
    let answer: Lifecycle.Event = canBeServed ? .ringConnected : .ringFailed("no ring")
    #expect(harness.send(answer) == [.publish(.closing, withFeatures: false)])
    #expect(harness.published(.closing) == [])
    if canBeServed {
      #expect(harness.frontend(.closed) == [.quiesce])
      #expect(harness.send(.quiesced) == [.publish(.closed, withFeatures: false)])
    } else {
      #expect(harness.frontend(.closed) == [.publish(.closed, withFeatures: false)])
    }
  }

  /// The toolstack asked for the device, and the process died before the guest gave it up.
  @Test func anUnplugUnderWayGoesOn() {
    var harness = LifecycleHarness(backend: .closing, online: false, frontend: .connected)
    #expect(harness.observe() == [.openTarget])
    #expect(harness.send(.targetOpened) == [.adoptRing])
    #expect(harness.send(.ringConnected) == [])
    #expect(harness.observe() == [.compareRing])
    #expect(harness.send(.ringUnchanged) == [])
    #expect(harness.frontend(.closed) == [.quiesce])
    #expect(harness.send(.quiesced) == [.publish(.closed, withFeatures: false)])
    harness.expectRemoval()
  }

  @Test func aProcessThatStopsMeanwhileLeavesAllAsItIs() {
    var harness = LifecycleHarness(backend: .connected, frontend: .connected)
    #expect(harness.observe() == [.openTarget])
    #expect(harness.send(.stopRequested) == [])
    #expect(harness.send(.targetFailed("in use")) == [.exit(.stopped)])
  }

  /// A frontend's state that makes no sense is no reason to cut it off.
  @Test func nonsenseIsWaitedOut() {
    var harness = LifecycleHarness(backend: .connected, frontend: .connected)
    #expect(harness.observe() == [.openTarget])
    #expect(harness.frontend(.unknown) == [])
    #expect(harness.send(.targetOpened) == [])
    #expect(harness.frontend(.connected) == [.adoptRing])
  }

  @Test func aDestroyedGuestIsNotTakenOver() {
    var harness = LifecycleHarness(backend: .connected, frontend: .connected)
    #expect(harness.observe() == [.openTarget])
    #expect(harness.destroy() == [])
    #expect(harness.send(.targetOpened) == [.publish(.closed, withFeatures: false)])
    harness.expectRemoval()
  }
}
