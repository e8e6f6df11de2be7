import RingTransport
import Testing

/// How a device goes away, how its process ends, and what may change while it is connected.
@Suite struct BackendLifecycleRemovalTests {
  @Test func unplugWaitsForTheGuestToGiveWay() {
    var harness = LifecycleHarness.connected()
    #expect(harness.unplug() == [.compareRing])
    #expect(harness.send(.ringUnchanged) == [])
    // The guest may take as long as it likes; a disk in use is not torn away.
    #expect(harness.frontend(.closing) == [])
    #expect(harness.frontend(.closed) == [.quiesce])
    #expect(harness.send(.quiesced) == [.publish(.closed, withFeatures: false)])
    harness.expectRemoval()
  }

  @Test func unplugThatOurFourOverwroteIsToldToTheGuest() {
    var harness = LifecycleHarness.waiting()
    #expect(harness.frontend(.initialised) == [.connectRing])
    #expect(harness.send(.ringConnected) == [.publish(.connected, withFeatures: false)])
    harness.world.online = false
    #expect(harness.published(.connected) == [.publish(.closing, withFeatures: false)])
    #expect(harness.published(.closing) == [.compareRing])
  }

  @Test func unplugOfADeviceThatWasNeverConnectedIsImmediate() {
    var harness = LifecycleHarness.waiting()
    #expect(harness.unplug() == [.publish(.closed, withFeatures: false)])
    harness.expectRemoval()
  }

  @Test func unplugBetweenMappingAndFourIsImmediate() {
    var harness = LifecycleHarness.waiting()
    #expect(harness.frontend(.initialised) == [.connectRing])
    #expect(harness.unplug() == [])
    #expect(harness.send(.ringConnected) == [.quiesce])
    #expect(harness.send(.quiesced) == [.publish(.closed, withFeatures: false)])
    harness.expectRemoval()
  }

  @Test func destroyIsImmediateFromEveryState() {
    var connected = LifecycleHarness.connected()
    #expect(connected.destroy() == [.quiesce])
    #expect(connected.send(.quiesced) == [.publish(.closed, withFeatures: false)])
    connected.expectRemoval()
    var waiting = LifecycleHarness.waiting()
    #expect(waiting.destroy() == [.publish(.closed, withFeatures: false)])
    waiting.expectRemoval()
    var fresh = LifecycleHarness()
    #expect(fresh.destroy() == [.publish(.closed, withFeatures: false)])
    fresh.expectRemoval()
  }

  @Test func destroyDuringTheFirstHoldWaitsForIt() {
    var harness = LifecycleHarness()
    _ = harness.observe()
    _ = harness.send(.targetOpened)
    #expect(
      harness.published(.initWait) == [.startTimer(milliseconds: BackendLifecycle.holdMilliseconds)]
    )
    #expect(harness.destroy() == [])
    #expect(harness.send(.timerFired) == [.publish(.closed, withFeatures: false)])
    harness.expectRemoval()
  }

  @Test func guestShutdownAndDestructionOfAClosedDevice() {
    var harness = LifecycleHarness.connected()
    _ = harness.frontend(.closing)
    _ = harness.published(.closing)
    #expect(harness.frontend(.closed) == [.quiesce])
    #expect(harness.send(.quiesced) == [.publish(.closed, withFeatures: false)])
    #expect(harness.published(.closed) == [])
    // libxl leaves our 6 as it is.
    #expect(harness.destroy() == [.startTimer(milliseconds: BackendLifecycle.holdMilliseconds)])
    #expect(harness.send(.timerFired) == [.removeLeaf])
  }

  @Test func aLeafThatVanishedIsNotWrittenTo() {
    var harness = LifecycleHarness.connected()
    harness.world.leafExists = false
    #expect(harness.observe() == [.quiesce])
    #expect(harness.send(.quiesced) == [.exit(.leafIsGone)])
    var writing = LifecycleHarness.connected()
    #expect(writing.frontend(.closing) == [.publish(.closing, withFeatures: false)])
    #expect(writing.send(.publishFailed(.leafIsGone)) == [.quiesce])
    #expect(writing.send(.quiesced) == [.exit(.leafIsGone)])
  }

  @Test func aLeafCreatedAnewDuringTheLastHoldIsNotRemoved() {
    var harness = LifecycleHarness.waiting()
    #expect(harness.unplug() == [.publish(.closed, withFeatures: false)])
    #expect(
      harness.published(.closed) == [.startTimer(milliseconds: BackendLifecycle.holdMilliseconds)])
    harness.world = LifecycleHarness().world
    #expect(harness.observe() == [.exit(.leafReplaced)])
    var connected = LifecycleHarness.connected()
    connected.world = LifecycleHarness().world
    #expect(connected.observe() == [.quiesce])
    #expect(connected.send(.quiesced) == [.exit(.leafReplaced)])
  }

  @Test func aRemovalThatIsCalledOffDoesNotBlockTheDevice() {
    var harness = LifecycleHarness.waiting()
    #expect(harness.unplug() == [.publish(.closed, withFeatures: false)])
    #expect(
      harness.published(.closed) == [.startTimer(milliseconds: BackendLifecycle.holdMilliseconds)])
    harness.world.online = true
    #expect(harness.frontend(.closed) == [])
    #expect(harness.send(.timerFired) == [])
    #expect(harness.frontend(.initialising) == [.publish(.initWait, withFeatures: true)])
  }

  @Test func aLeafCreatedAnewAndUnpluggedIsClosedBeforeItIsRemoved() {
    var harness = LifecycleHarness.waiting()
    #expect(harness.unplug() == [.publish(.closed, withFeatures: false)])
    #expect(
      harness.published(.closed) == [.startTimer(milliseconds: BackendLifecycle.holdMilliseconds)])
    // The new leaf is seen only after it was unplugged again.
    harness.world = LifecycleHarness().world
    #expect(harness.destroy() == [])
    #expect(harness.send(.timerFired) == [.publish(.closed, withFeatures: false)])
    harness.expectRemoval()
  }

  @Test func aDeviceWhoseGuestClosedWithoutUsIsClosed() {
    var harness = LifecycleHarness(backend: .connected, frontend: .closed)
    #expect(harness.observe() == [.publish(.closed, withFeatures: false)])
    #expect(harness.published(.closed) == [])
    #expect(harness.frontend(.initialising) == [.openTarget])
    #expect(harness.send(.targetOpened) == [.publish(.initWait, withFeatures: true)])
  }

  @Test func aProcessThatFindsTheClosedFrontendWaitsForItToLeave() {
    var harness = LifecycleHarness(backend: .closed, frontend: .closed)
    #expect(harness.observe() == [])
    #expect(harness.frontend(.initialising) == [.openTarget])
  }

  @Test func aGrownTargetIsPublishedOnceConnected() {
    var harness = LifecycleHarness.connected()
    #expect(harness.send(.capacityChanged) == [.publishCapacity])
    #expect(harness.send(.capacityChanged) == [])
    #expect(harness.send(.published) == [.publishCapacity])
    #expect(harness.published(.connected) == [.compareRing])
    var waiting = LifecycleHarness.waiting()
    #expect(waiting.send(.capacityChanged) == [])
    // 4 carries the sizes of its time.
    #expect(waiting.frontend(.initialised) == [.connectRing])
    #expect(waiting.send(.ringConnected) == [.publish(.connected, withFeatures: false)])
    #expect(waiting.published(.connected) == [.compareRing])
    #expect(waiting.send(.ringUnchanged) == [])
  }

  @Test func aGrownTargetDoesNotOverwriteAnUnplug() {
    var harness = LifecycleHarness.connected()
    #expect(harness.unplug() == [.compareRing])
    #expect(harness.send(.ringUnchanged) == [])
    #expect(harness.send(.capacityChanged) == [])
  }

  @Test func stoppingDrainsAndTouchesNothing() {
    var connected = LifecycleHarness.connected()
    #expect(connected.send(.stopRequested) == [.quiesce])
    #expect(connected.frontend(.closed) == [])
    #expect(connected.send(.quiesced) == [.exit(.stopped)])
    var waiting = LifecycleHarness.waiting()
    #expect(waiting.send(.stopRequested) == [.exit(.stopped)])
    var unborn = LifecycleHarness()
    #expect(unborn.send(.stopRequested) == [.exit(.stopped)])
  }

  @Test func answersNobodyAskedForAreIgnored() {
    var harness = LifecycleHarness.waiting()
    for event in [
      BackendLifecycle.Event.quiesced, .published, .ringConnected, .ringChanged, .targetOpened,
      .targetFailed("x"), .ringFailed("x"), .publishFailed(.leafIsGone), .timerFired,
    ] {
      #expect(harness.send(event) == [])
    }
    #expect(harness.frontend(.initialised) == [.connectRing])
  }
}
