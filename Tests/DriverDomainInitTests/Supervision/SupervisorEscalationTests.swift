import RingTransport
import Testing

@testable import DriverDomainInit

/// What happens to processes that hang, give way, or cannot be helped.
@Suite struct SupervisorEscalationTests {
  private var supervisor = Supervisor(stopSeconds: 10)
  private let leaf = SupervisorTests.leaf(1)

  private mutating func act(_ event: Supervisor.Event, at now: UInt64 = 0) -> [Supervisor.Action] {
    supervisor.handle(event, now: now).filter { action in
      if case .log = action { false } else { true }
    }
  }

  private mutating func connect(_ leaf: BackendLeaf, as process: Int32, at now: UInt64 = 0) {
    #expect(act(.observed(leaf, state: 4), at: now) == [.start(leaf)])
    #expect(act(.started(leaf, process: process), at: now) == [])
  }

  /// Kills the process of a connected leaf until something else than another start comes of it.
  private mutating func killUntilSomethingElse(
    from process: Int32, at now: inout UInt64
  ) -> [Supervisor.Action] {
    var process = process
    for _ in 0..<100 {
      now += 50
      var actions = act(.exited(process: process, end: .killed(signal: 11)), at: now)
      if actions == [.observe(leaf)], let deadline = supervisor.nextDeadline {
        now = deadline
        actions = act(.timeReached, at: now)
      }
      guard actions.contains(.follow(leaf)) else { return actions }
      process += 1
      #expect(act(.started(leaf, process: process), at: now) == [])
    }
    return []
  }

  @Test mutating func hungProcessIsKilledOnceAndFollowed() {
    connect(leaf, as: 7)
    #expect(act(.hung(process: 7), at: 100) == [.kill(process: 7)])
    #expect(act(.hung(process: 7), at: 200) == [])
    #expect(supervisor.nextDeadline == 100 + Supervisor.unkillableMilliseconds)
    let end = Supervisor.Event.exited(process: 7, end: .killed(signal: 9))
    #expect(act(end, at: 300) == [.follow(leaf), .observe(leaf)])
    #expect(act(.started(leaf, process: 8), at: 300) == [])
    #expect(supervisor.nextDeadline == nil)
    #expect(act(.hung(process: 4711), at: 400) == [])
  }

  @Test mutating func processThatCannotBeKilledEndsTheDomain() {
    connect(leaf, as: 7)
    connect(SupervisorTests.leaf(2), as: 8)
    #expect(act(.hung(process: 7)) == [.kill(process: 7)])
    let last = Supervisor.unkillableMilliseconds
    #expect(act(.timeReached, at: last - 1) == [])
    let actions = act(.timeReached, at: last)
    #expect(actions.prefix(2) == [.kill(process: 7), .kill(process: 8)])
    guard case .escalate(let reason) = actions.last else {
      Issue.record("\(actions)")
      return
    }
    #expect(reason.contains("process 7 cannot be killed"))
    // Nothing is done any more.
    #expect(act(.exited(process: 8, end: .killed(signal: 9)), at: last + 1) == [])
    #expect(act(.observed(SupervisorTests.leaf(3), state: 1), at: last + 1) == [])
    #expect(supervisor.nextDeadline == nil)
  }

  @Test mutating func nobodyWaitsForTheProcessOfALeafThatIsGone() {
    connect(leaf, as: 7)
    #expect(act(.hung(process: 7)) == [.kill(process: 7)])
    #expect(act(.vanished(leaf), at: 1) == [])
    #expect(supervisor.nextDeadline == nil)
    #expect(act(.timeReached, at: 1_000_000) == [])
    // Until the leaf is there again, which begins the wait anew.
    #expect(act(.observed(leaf, state: 1), at: 1_000_000) == [])
    #expect(act(.timeReached, at: 1_000_000 + Supervisor.unkillableMilliseconds).count == 2)
  }

  @Test mutating func tooManyDeathsEndTheDomain() {
    connect(leaf, as: 100)
    var now: UInt64 = 0
    let actions = killUntilSomethingElse(from: 100, at: &now)
    guard case .escalate(let reason) = actions.first, actions.count == 1 else {
      Issue.record("\(actions)")
      return
    }
    #expect(reason.contains("more than 20 deaths"))
    #expect(supervisor.restartCounts[leaf] == BackOff.deathCountMax)
    #expect(now < BackOff.windowMilliseconds)
  }

  @Test mutating func oneGuestsDeathsDoNotEndADomainThatServesAnotherWell() {
    let other = BackendLeaf(
      kind: .virtualBlockDevice, frontendDomain: DomainIdentifier(rawValue: 3), device: 1)
    connect(other, as: 50)
    connect(leaf, as: 100, at: Supervisor.steadyMilliseconds)
    var now = Supervisor.steadyMilliseconds
    #expect(killUntilSomethingElse(from: 100, at: &now) == [])
    #expect(supervisor.restartCounts[leaf] == 100)
  }

  @Test mutating func administratorCanForbidIt() {
    supervisor = Supervisor(stopSeconds: 10, mayEscalate: false)
    connect(leaf, as: 100)
    var now: UInt64 = 0
    #expect(killUntilSomethingElse(from: 100, at: &now) == [])
    #expect(act(.hung(process: 200), at: now) == [.kill(process: 200)])
    now += Supervisor.unkillableMilliseconds
    #expect(act(.timeReached, at: now) == [])
    #expect(supervisor.nextDeadline == nil)
  }

  @Test mutating func processGivesWayAndIsNoDeath() {
    connect(leaf, as: 7)
    for round in 0..<Int32(30) {
      let process = 7 + round
      let now = UInt64(round) * 10
      #expect(act(.replace(leaf), at: now) == [.terminate(process: process)])
      #expect(act(.replace(leaf), at: now) == [])
      let end = Supervisor.Event.exited(process: process, end: .exited(code: 0))
      #expect(act(end, at: now + 1) == [.observe(leaf)])
      #expect(act(.observed(leaf, state: 4), at: now + 2) == [.follow(leaf)])
      #expect(act(.started(leaf, process: process + 1), at: now + 2) == [])
    }
  }

  @Test mutating func processThatDoesNotGiveWayIsKilled() {
    connect(leaf, as: 7)
    #expect(act(.replace(leaf)) == [.terminate(process: 7)])
    #expect(supervisor.nextDeadline == 10_000)
    #expect(act(.timeReached, at: 10_000) == [.kill(process: 7)])
    let end = Supervisor.Event.exited(process: 7, end: .killed(signal: 9))
    #expect(act(end, at: 10_001) == [.follow(leaf), .observe(leaf)])
  }
}
