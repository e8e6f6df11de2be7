import Logging
import RingTransport
import Testing

@testable import DriverDomainInit

@Suite struct SupervisorTests {
  private let leaf = SupervisorTests.leaf(51712)
  private var supervisor = Supervisor(stopSeconds: 10)

  static func leaf(_ device: UInt32) -> BackendLeaf {
    BackendLeaf(
      kind: .virtualBlockDevice, frontendDomain: DomainIdentifier(rawValue: 2), device: device)
  }

  /// The actions without log lines.
  private mutating func act(_ event: Supervisor.Event, at now: UInt64 = 0) -> [Supervisor.Action] {
    supervisor.handle(event, now: now).filter { action in
      if case .log = action { false } else { true }
    }
  }

  private mutating func run(_ process: Int32, at now: UInt64 = 0) {
    #expect(act(.observed(leaf, state: 1), at: now) == [.start(leaf)])
    #expect(act(.started(leaf, process: process), at: now) == [])
  }

  @Test mutating func newLeafGetsOneProcess() {
    #expect(act(.listed([leaf])) == [.observe(leaf)])
    run(100)
    #expect(act(.observed(leaf, state: 2)) == [])
    #expect(act(.observed(leaf, state: 4)) == [])
    #expect(act(.listed([leaf])) == [.observe(leaf)])
    #expect(supervisor.nextDeadline == nil)
  }

  @Test mutating func orderlyEndIsForgotten() {
    run(100)
    #expect(act(.vanished(leaf)) == [])
    #expect(act(.exited(process: 100, end: .exited(code: 0))) == [.observe(leaf)])
    #expect(act(.vanished(leaf)) == [.release(leaf)])
    #expect(supervisor.leaves.isEmpty)
    #expect(supervisor.nextDeadline == nil)
    #expect(act(.vanished(leaf)) == [])
  }

  @Test mutating func deathBeforeConnectionIsFollowedByABackedOffStart() {
    run(100)
    var now: UInt64 = 10
    for (round, delay) in [0, 0, 0, 10, 20, 40].enumerated() {
      let process = Int32(100 + round)
      #expect(act(.exited(process: process, end: .killed(signal: 9)), at: now) == [.observe(leaf)])
      let decision = act(.observed(leaf, state: 2), at: now)
      if delay > 0 {
        #expect(decision == [])
        #expect(supervisor.nextDeadline == now + UInt64(delay))
        #expect(act(.timeReached, at: now + UInt64(delay) - 1) == [])
        now += UInt64(delay)
        #expect(act(.timeReached, at: now) == [.start(leaf)])
      } else {
        #expect(decision == [.start(leaf)])
      }
      #expect(act(.started(leaf, process: process + 1), at: now) == [])
    }
    #expect(supervisor.restartCounts == [leaf: 6])
  }

  @Test mutating func connectedLeafIsFollowedInTheSameTurn() {
    run(100)
    #expect(act(.observed(leaf, state: 4)) == [])
    let killed = Supervisor.Event.exited(process: 100, end: .killed(signal: 9))
    #expect(act(killed, at: 10) == [.follow(leaf), .observe(leaf)])
    #expect(act(.started(leaf, process: 101), at: 10) == [])
    #expect(act(.observed(leaf, state: 4), at: 11) == [])
    #expect(supervisor.restartCounts == [leaf: 1])
  }

  @Test mutating func endOfItsOwnWillIsFollowedWhenTheLeafIsStillThere() {
    run(100)
    #expect(act(.observed(leaf, state: 4)) == [])
    #expect(act(.exited(process: 100, end: .exited(code: 0)), at: 10) == [.observe(leaf)])
    #expect(act(.observed(leaf, state: 4), at: 11) == [.follow(leaf)])
    #expect(act(.started(leaf, process: 101), at: 11) == [])
    #expect(act(.exited(process: 101, end: .exited(code: 0)), at: 12) == [.observe(leaf)])
    #expect(act(.vanished(leaf), at: 13) == [.release(leaf)])
  }

  @Test mutating func leafFoundConnectedIsAdopted() {
    #expect(act(.observed(leaf, state: 4)) == [.start(leaf)])
    #expect(act(.started(leaf, process: 7)) == [])
    #expect(supervisor.restartCounts == [leaf: 0])
  }

  @Test mutating func startThatFailsIsTriedAgain() {
    #expect(act(.observed(leaf, state: 1)) == [.start(leaf)])
    for _ in 0..<3 {
      #expect(act(.startFailed(leaf, reason: "no memory")) == [.observe(leaf)])
      #expect(act(.observed(leaf, state: 1)) == [.start(leaf)])
    }
    #expect(act(.startFailed(leaf, reason: "no memory")) == [.observe(leaf)])
    #expect(act(.observed(leaf, state: 1)) == [])
    #expect(supervisor.nextDeadline == 10)
  }

  @Test mutating func leafGivenAgainWhileTheOldProcessEndsStartsAtOnce() {
    run(100)
    #expect(act(.vanished(leaf), at: 5) == [])
    #expect(act(.observed(leaf, state: 1), at: 6) == [])
    #expect(act(.exited(process: 100, end: .exited(code: 0)), at: 7) == [.observe(leaf)])
    #expect(act(.observed(leaf, state: 1), at: 8) == [.start(leaf)])
  }

  @Test mutating func processThatOutlivesItsLeafIsPressed() {
    run(100)
    #expect(act(.vanished(leaf), at: 1000) == [])
    let pressed = 1000 + Supervisor.orphanMilliseconds
    #expect(supervisor.nextDeadline == pressed)
    #expect(act(.timeReached, at: pressed) == [.terminate(process: 100)])
    let killed = pressed + Supervisor.terminationMilliseconds
    #expect(supervisor.nextDeadline == killed)
    #expect(act(.timeReached, at: killed) == [.kill(process: 100)])
    #expect(supervisor.nextDeadline == nil)
    #expect(act(.exited(process: 100, end: .killed(signal: 9)), at: killed) == [.observe(leaf)])
    #expect(act(.vanished(leaf), at: killed) == [.release(leaf)])
    #expect(supervisor.leaves.isEmpty)
  }

  @Test mutating func listTellsWhoIsGone() {
    run(100)
    #expect(act(.listed([]), at: 10) == [])
    #expect(supervisor.nextDeadline == 10 + Supervisor.orphanMilliseconds)
    #expect(act(.observed(leaf, state: 2), at: 11) == [])
    #expect(supervisor.nextDeadline == nil)
  }

  @Test mutating func numberOfDevicesIsBounded() {
    let leaves = (0...UInt32(Supervisor.deviceCountMax)).map { Self.leaf($0) }
    for leaf in leaves.dropLast() { #expect(act(.observed(leaf, state: 1)) == [.start(leaf)]) }
    guard let extra = leaves.last else { return }
    let refusal = supervisor.handle(.observed(extra, state: 1), now: 0)
    #expect(refusal.count == 1)
    #expect(supervisor.handle(.observed(extra, state: 1), now: 0).isEmpty)
    // A place becomes free: everything is looked at again.
    #expect(act(.startFailed(leaves[0], reason: "")) == [.observe(leaves[0])])
    #expect(act(.vanished(leaves[0])) == [.release(leaves[0]), .list])
    #expect(act(.observed(extra, state: 1)) == [.start(extra)])
  }

  @Test mutating func strangersAreNotOurBusiness() {
    #expect(act(.exited(process: 4711, end: .exited(code: 0))) == [])
    #expect(act(.started(leaf, process: 5)) == [.kill(process: 5)])
    #expect(act(.vanished(leaf)) == [])
  }
}
