import Testing

@testable import DriverDomainInit

@Suite struct SupervisorStopTests {
  private var supervisor = Supervisor(stopSeconds: 10)

  private mutating func act(_ event: Supervisor.Event, at now: UInt64 = 0) -> [Supervisor.Action] {
    supervisor.handle(event, now: now).filter { action in
      if case .log = action { false } else { true }
    }
  }

  private mutating func run(_ device: UInt32, as process: Int32) {
    let leaf = SupervisorTests.leaf(device)
    #expect(act(.observed(leaf, state: 1)) == [.start(leaf)])
    #expect(act(.started(leaf, process: process)) == [])
  }

  @Test mutating func nothingToStopStopsAtOnce() {
    #expect(act(.listed([SupervisorTests.leaf(1)])) == [.observe(SupervisorTests.leaf(1))])
    #expect(act(.stop) == [.stopped])
    #expect(act(.stop) == [])
  }

  @Test mutating func everybodyIsAskedAndWaitedFor() {
    run(1, as: 101)
    run(2, as: 102)
    #expect(act(.stop, at: 5) == [.terminate(process: 101), .terminate(process: 102)])
    #expect(supervisor.nextDeadline == 10_005)
    #expect(act(.observed(SupervisorTests.leaf(3), state: 1), at: 6) == [])
    #expect(act(.exited(process: 102, end: .exited(code: 0)), at: 7) == [])
    #expect(act(.exited(process: 101, end: .exited(code: 0)), at: 8) == [.stopped])
    #expect(supervisor.nextDeadline == nil)
  }

  @Test mutating func whoDoesNotDrainIsKilledAndThenLeftBehind() {
    run(1, as: 101)
    #expect(act(.stop) == [.terminate(process: 101)])
    #expect(act(.timeReached, at: 9_999) == [])
    #expect(act(.timeReached, at: 10_000) == [.kill(process: 101)])
    let last = 10_000 + Supervisor.killMilliseconds
    #expect(supervisor.nextDeadline == last)
    #expect(act(.timeReached, at: last) == [.stopped])
    #expect(act(.exited(process: 101, end: .killed(signal: 9)), at: last + 1) == [])
  }

  @Test mutating func startUnderWayIsStoppedWhenItReports() {
    let leaf = SupervisorTests.leaf(1)
    #expect(act(.observed(leaf, state: 1)) == [.start(leaf)])
    #expect(act(.stop) == [])
    #expect(act(.started(leaf, process: 7)) == [.terminate(process: 7)])
    #expect(act(.exited(process: 7, end: .exited(code: 0))) == [.stopped])
  }
}
