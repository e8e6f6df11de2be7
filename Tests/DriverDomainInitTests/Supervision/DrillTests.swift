import RingTransport
import Testing

@testable import DriverDomainInit

@Suite struct DrillTests {
  @Test func everybodyHasATurn() throws {
    var drill = try #require(Drill("kill:500", now: 1_000))
    #expect(drill.blow == .kill && drill.nextDeadline == 1_500)
    #expect(drill.next(among: [7, 8, 9], now: 1_510) == 7)
    #expect(drill.nextDeadline == 2_010)
    #expect(drill.next(among: [7, 8, 9], now: 2_010) == 8)
    #expect(drill.next(among: [Int](), now: 2_600) == nil)
    #expect(drill.next(among: [7, 9], now: 3_100) == 7)
    #expect(drill.count == 3)
  }

  @Test(arguments: ["", "kill", "kill:", "kill:0", "kill:19", "crash:500", "kill:500:1", "stop:x"])
  func nonsense(text: String) {
    #expect(Drill(text, now: 0) == nil)
  }

  @Test(arguments: Drill.Blow.allCases)
  func allBlowsCanBeAskedFor(blow: Drill.Blow) {
    #expect(Drill("\(blow.rawValue):100", now: 0)?.blow == blow)
  }

  /// A death that was wished for costs no delay, however often it comes.
  @Test func expectedDeathsAreNoFailures() {
    let leaf = BackendLeaf(
      kind: .virtualBlockDevice, frontendDomain: DomainIdentifier(rawValue: 2), device: 51712)
    var supervisor = Supervisor(stopSeconds: 1)
    _ = supervisor.handle(.observed(leaf, state: 4), now: 0)
    for number in 1...100 as ClosedRange<Int32> {
      let now = UInt64(number) * 100
      _ = supervisor.handle(.started(leaf, process: number), now: now)
      _ = supervisor.handle(.expected(leaf), now: now)
      let actions = supervisor.handle(
        .exited(process: number, end: .killed(signal: 9)), now: now + 50)
      #expect(actions.contains(.follow(leaf)))
    }
  }
}
