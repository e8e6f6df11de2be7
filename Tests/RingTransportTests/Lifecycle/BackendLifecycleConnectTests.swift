import RingTransport
import Testing

/// From the leaf's creation to a connected ring, and back to a new connection.
@Suite struct BackendLifecycleConnectTests {
  @Test(arguments: [XenbusState.initialising, .initWait, .closed])
  func aFreshLeafIsOpenedAndConnected(backend: XenbusState) {
    var harness = LifecycleHarness(backend: backend)
    #expect(harness.observe() == [.openTarget])
    #expect(harness.observe() == [])
    #expect(harness.send(.targetOpened) == [.publish(.initWait, withFeatures: true)])
    #expect(
      harness.published(.initWait) == [.startTimer(milliseconds: BackendLifecycle.holdMilliseconds)]
    )
    // The guest is quick, libxl may be slow: 2 stays until the time is over.
    #expect(harness.frontend(.initialised) == [])
    #expect(harness.send(.timerFired) == [.connectRing])
    #expect(harness.send(.ringConnected) == [.publish(.connected, withFeatures: false)])
  }

  @Test func aFrontendMayJumpToFour() {
    var harness = LifecycleHarness.waiting()
    #expect(harness.frontend(.connected) == [.connectRing])
  }

  @Test func aFailedTargetIsPublishedAndWaitsForTheToolstack() {
    var harness = LifecycleHarness()
    #expect(harness.observe() == [.openTarget])
    #expect(harness.send(.targetFailed("in use")) == [.publishFailure("in use")])
    #expect(harness.published(.closed) == [])
    #expect(harness.frontend(.initialised) == [])
    #expect(harness.frontend(.initialising) == [])
    // libxl leaves our 6 alone, and it is held all the same.
    #expect(harness.unplug() == [.startTimer(milliseconds: BackendLifecycle.holdMilliseconds)])
    #expect(harness.send(.timerFired) == [.removeLeaf])
    #expect(harness.send(.published) == [.exit(.removed)])
  }

  @Test func aBadRingClosesTheDeviceUntilTheFrontendStartsAnew() {
    var harness = LifecycleHarness.waiting()
    #expect(harness.frontend(.initialised) == [.connectRing])
    #expect(harness.send(.ringFailed("no such grant")) == [.quiesce])
    #expect(harness.send(.quiesced) == [.publishFailure("no such grant")])
    #expect(harness.published(.closed) == [])
    // The same nodes again: nothing to gain.
    #expect(harness.frontend(.connected) == [])
    #expect(harness.frontend(.initialised) == [])
    #expect(harness.frontend(.initialising) == [.publish(.initWait, withFeatures: true)])
    #expect(harness.published(.initWait) == [])
    #expect(harness.frontend(.initialised) == [.connectRing])
  }

  @Test func aFrontendThatStartedAnewWhileItsRingFailedIsWelcome() {
    var harness = LifecycleHarness.waiting()
    #expect(harness.frontend(.initialised) == [.connectRing])
    #expect(harness.frontend(.initialising) == [])
    #expect(harness.send(.ringFailed("gone")) == [.quiesce])
    #expect(harness.send(.quiesced) == [.publishFailure("gone")])
    #expect(harness.published(.closed) == [.publish(.initWait, withFeatures: true)])
  }

  @Test func aViolationClosesOnlyThisConnection() {
    var harness = LifecycleHarness.connected()
    #expect(harness.send(.violation("7 of 3 requests")) == [.quiesce])
    #expect(harness.send(.quiesced) == [.publishFailure("7 of 3 requests")])
    #expect(harness.published(.closed) == [])
    #expect(harness.frontend(.closing) == [])
    #expect(harness.frontend(.closed) == [])
    #expect(harness.frontend(.initialising) == [.publish(.initWait, withFeatures: true)])
  }

  @Test func aViolationWithoutARingIsNoise() {
    var harness = LifecycleHarness.waiting()
    #expect(harness.send(.violation("late")) == [])
  }

  @Test func kexecGoesThroughFiveSixTwo() {
    var harness = LifecycleHarness.connected()
    #expect(harness.frontend(.closing) == [.publish(.closing, withFeatures: false)])
    #expect(harness.published(.closing) == [])
    #expect(harness.frontend(.closed) == [.quiesce])
    #expect(harness.send(.quiesced) == [.publish(.closed, withFeatures: false)])
    // 6 stays as long as the frontend is in 6.
    #expect(harness.published(.closed) == [])
    #expect(harness.observe() == [])
    #expect(harness.frontend(.initialising) == [.publish(.initWait, withFeatures: true)])
    // libxl is not waiting now: no hold.
    #expect(harness.published(.initWait) == [])
    #expect(harness.frontend(.initialised) == [.connectRing])
  }

  @Test func aFrontendMayComeBackFromSixWithoutOne() {
    var harness = LifecycleHarness.connected()
    #expect(harness.frontend(.closed) == [.quiesce])
    #expect(harness.send(.quiesced) == [.publish(.closed, withFeatures: false)])
    #expect(harness.published(.closed) == [])
    #expect(harness.frontend(.initialised) == [.connectRing])
    #expect(harness.send(.ringConnected) == [.publish(.connected, withFeatures: false)])
  }

  @Test func aFrontendThatCrashedAndStartsAtOneIsWelcomedWithoutSix() {
    var harness = LifecycleHarness.connected()
    #expect(harness.frontend(.initialising) == [.quiesce])
    #expect(harness.send(.quiesced) == [.publish(.initWait, withFeatures: true)])
  }

  @Test func aResumedFrontendGetsItsNewRingWithoutFiveAndSix() {
    var harness = LifecycleHarness.connected()
    #expect(harness.frontend(.initialised) == [.compareRing])
    #expect(harness.send(.ringChanged) == [.quiesce])
    #expect(harness.frontend(.connected) == [])
    #expect(harness.send(.quiesced) == [.connectRing])
    #expect(harness.send(.ringConnected) == [.publish(.connected, withFeatures: false)])
  }

  @Test func aFrontendThatReadsItsOldRingIsLeftAlone() {
    var harness = LifecycleHarness.connected()
    #expect(harness.frontend(.initialised) == [.compareRing])
    #expect(harness.send(.ringUnchanged) == [])
  }

  @Test(arguments: [XenbusState.unknown, .initWait, .reconfiguring, .reconfigured])
  func nonsenseIsIgnored(state: XenbusState) {
    var waiting = LifecycleHarness.waiting()
    #expect(waiting.frontend(state) == [])
    var connected = LifecycleHarness.connected()
    #expect(connected.frontend(state) == [])
    #expect(connected.frontend(.closed) == [.quiesce])
  }

  @Test func eventsDuringAnActionAreHandledAfterIt() {
    var harness = LifecycleHarness.waiting()
    #expect(harness.frontend(.initialised) == [.connectRing])
    // The guest closes and dies while we map.
    #expect(harness.frontend(.closing) == [])
    #expect(harness.destroy() == [])
    #expect(harness.send(.ringConnected) == [.quiesce])
    #expect(harness.send(.quiesced) == [.publish(.closed, withFeatures: false)])
    harness.expectRemoval()
  }

  @Test func aRefusedFeatureIsNotTriedForever() {
    var harness = LifecycleHarness()
    #expect(harness.observe() == [.openTarget])
    #expect(harness.send(.targetOpened) == [.publish(.initWait, withFeatures: true)])
    #expect(harness.send(.publishFailed(.refused("quota"))) == [.publishFailure("quota")])
    #expect(harness.published(.closed) == [])
    #expect(harness.observe() == [])
    var hopeless = LifecycleHarness()
    _ = hopeless.observe()
    _ = hopeless.send(.targetFailed("gone"))
    #expect(
      hopeless.send(.publishFailed(.refused("quota"))) == [.exit(.storeRefused("quota"))])
  }
}
