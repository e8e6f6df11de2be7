import Testing

@testable import DriverDomainControl

/// Each rule of the keeper by itself.
@Suite struct KeeperTests {
  static let identity = "0123456789abcdef0123456789abcdef"

  private func view(
    _ state: DomainSighting.State?, _ stage: Life.Stage?, readiness: Readiness = .serving,
    leavings: Bool = false, wantsRestart: Bool = false
  ) -> Keeper.View {
    Keeper.View(
      domain: state.map { DomainSighting(state: $0, identity: Self.identity) },
      life: stage.map { Life(identity: Self.identity, stage: $0) }, hasLeavings: leavings,
      readiness: readiness, wantsRestart: wantsRestart)
  }

  @Test func nothingThereIsCreated() {
    var keeper = Keeper(readyMilliseconds: 60_000)
    #expect(keeper.next(view(nil, nil), now: 0) == .create)
  }

  @Test func leavingsGoFirst() {
    var keeper = Keeper(readyMilliseconds: 60_000)
    #expect(keeper.next(view(nil, nil, leavings: true), now: 0) == .clean)
    #expect(keeper.next(view(.dying, nil, leavings: true), now: 0) == .clean)
    #expect(keeper.next(view(.dying, nil), now: 5) == .rest(until: 5 + Keeper.pollMilliseconds))
  }

  @Test func aNewDomainStartsWhileItsGuestsDevicesAreRebuilt() {
    var keeper = Keeper(readyMilliseconds: 60_000)
    #expect(keeper.next(view(.paused, .created), now: 0) == .start)
    #expect(keeper.next(view(.running, .created), now: 0) == .rebuild)
    #expect(keeper.next(view(.running, .created), now: 0) == .rebuild)
    keeper.rebuilt(Self.identity)
    #expect(keeper.next(view(.running, .created), now: 0) == .settle)
  }

  @Test func aRebuildCountsForItsOwnDomainOnly() {
    var keeper = Keeper(readyMilliseconds: 60_000)
    keeper.rebuilt("another")
    #expect(keeper.next(view(.running, .created), now: 0) == .rebuild)
  }

  @Test func aHalfMadeDomainIsEnded() {
    var keeper = Keeper(readyMilliseconds: 60_000)
    #expect(keeper.next(view(.paused, nil), now: 0) == .end)
  }

  @Test func aDomainMadeByHandIsAccepted() {
    var keeper = Keeper(readyMilliseconds: 60_000)
    #expect(keeper.next(view(.running, nil), now: 0) == .rebuild)
    keeper.rebuilt(Self.identity)
    #expect(keeper.next(view(.running, nil), now: 0) == .settle)
  }

  @Test func aHealthyDomainIsLeftAlone() {
    var keeper = Keeper(readyMilliseconds: 60_000)
    #expect(keeper.next(view(.running, .running), now: 0) == .rest(until: nil))
    // Somebody has paused it: the time that it may take to serve does not run.
    #expect(keeper.next(view(.paused, .running), now: 100_000) == .rest(until: nil))
  }

  @Test(arguments: [ShutdownReason.crash, .watchdog, .reboot, .other])
  func aDeathIsFollowedAtOnce(_ reason: ShutdownReason) {
    var keeper = Keeper(readyMilliseconds: 60_000)
    #expect(keeper.next(view(.running, .running), now: 0) == .rest(until: nil))
    #expect(keeper.next(view(.shutDown(reason), .running), now: 10) == .end)
    #expect(keeper.next(view(nil, nil), now: 20) == .create)
  }

  @Test func aShutdownInOrderIsFinal() {
    var keeper = Keeper(readyMilliseconds: 60_000)
    #expect(keeper.next(view(.shutDown(.powerOff), .running), now: 0) == .end)
    #expect(keeper.next(view(nil, nil, leavings: true), now: 0) == .clean)
    #expect(keeper.next(view(nil, nil), now: 0) == .finish)
  }

  @Test func aDomainThatDoesNotServeIsEnded() {
    var keeper = Keeper(readyMilliseconds: 60_000)
    let booting = view(.running, .running, readiness: .starting)
    #expect(keeper.next(booting, now: 1_000) == .rest(until: 61_000))
    #expect(keeper.next(booting, now: 60_999) == .rest(until: 61_000))
    #expect(keeper.next(booting, now: 61_000) == .end)
  }

  @Test func aDomainThatNeverSaysIsNotWaitedFor() {
    var keeper = Keeper(readyMilliseconds: nil)
    let silent = view(.running, .running, readiness: .unknown)
    #expect(keeper.next(silent, now: 1_000_000) == .rest(until: nil))
  }

  @Test func deathsInARowAreSlowedDown() {
    var keeper = Keeper(readyMilliseconds: 60_000)
    var now: UInt64 = 0
    var delays: [UInt64] = []
    for _ in 0..<9 {
      #expect(keeper.next(view(.running, .running), now: now) == .rest(until: nil))
      let died = now
      while case .rest(let until?) = keeper.next(view(.shutDown(.crash), .running), now: now) {
        now = until
      }
      #expect(keeper.next(view(nil, nil), now: now) == .create)
      delays.append(now - died)
    }
    #expect(delays == [0, 0, 1_000, 2_000, 5_000, 10_000, 30_000, 30_000, 30_000])
    // And a long life is forgiven.
    #expect(keeper.next(view(.running, .running), now: now) == .rest(until: nil))
    now += RestartBackOff.longLifeMilliseconds
    #expect(keeper.next(view(.shutDown(.crash), .running), now: now) == .end)
  }

  @Test func whatFailsIsTriedAgainLater() {
    var keeper = Keeper(readyMilliseconds: 60_000)
    var now: UInt64 = 0
    var times: [UInt64] = []
    for _ in 0..<5 {
      while case .rest(let until?) = keeper.next(view(nil, nil), now: now) { now = until }
      #expect(keeper.next(view(nil, nil), now: now) == .create)
      times.append(now)
      keeper.failed(.create, now: now)
    }
    #expect(times == [0, 0, 0, 1_000, 3_000])
  }
}
