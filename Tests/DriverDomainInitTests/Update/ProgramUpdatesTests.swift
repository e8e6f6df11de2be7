import RingTransport
import Testing

@testable import DriverDomainInit

@Suite struct ProgramUpdatesTests {
  private var updates = ProgramUpdates(directories: ["/v"], stopMilliseconds: 10_000)
  private let first = SupervisorTests.leaf(1)
  private let second = SupervisorTests.leaf(2)
  private let interface = BackendLeaf(
    kind: .virtualInterface, frontendDomain: DomainIdentifier(rawValue: 2), device: 0)

  private mutating func act(
    _ event: ProgramUpdates.Event, at now: UInt64 = 0
  ) -> [ProgramUpdates.Action] {
    updates.handle(event, now: now)
  }

  private mutating func run(_ processes: [BackendLeaf: Int32], at now: UInt64 = 0)
    -> [ProgramUpdates.Action]
  {
    act(.changed(processes, leaves: [first, second, interface]), at: now)
  }

  /// Brings an order to where the new program has its name.
  private mutating func prepare() throws -> [ProgramUpdates.Action] {
    let order = try UpdateOrder("/v/new", .block, directories: nil)
    #expect(run([first: 1, second: 2, interface: 3]) == [])
    #expect(act(.wanted([.block: "/v/new"])) == [.copy(order)])
    #expect(updates.results == [.block: "running: /v/new"])
    #expect(act(.started(process: 10)) == [])
    #expect(updates.isStep(10))
    #expect(act(.exited(process: 10, end: .exited(code: 0))) == [.tryOut(.block)])
    #expect(act(.started(process: 11)) == [])
    #expect(act(.exited(process: 11, end: .exited(code: 0))) == [.activate(.block)])
    return act(.activated)
  }

  @Test mutating func oneProcessAfterTheOtherGivesWay() throws {
    #expect(try prepare() == [.replace(first)])
    #expect(run([second: 2, interface: 3], at: 10) == [])
    #expect(run([first: 20, second: 2, interface: 3], at: 20) == [])
    let settled = 20 + ProgramUpdates.settleMilliseconds
    #expect(updates.nextDeadline == settled)
    #expect(act(.timeReached, at: settled - 1) == [])
    #expect(act(.timeReached, at: settled) == [.replace(second)])
    #expect(run([first: 20, second: 21, interface: 3], at: 2_000) == [])
    #expect(
      act(.timeReached, at: 2_000 + ProgramUpdates.settleMilliseconds) == [.clean(.block)])
    #expect(updates.results == [.block: "done: /v/new, 2 devices"])
    #expect(updates.nextDeadline == nil)
    // The node is answered; a node that goes and comes asks anew.
    #expect(act(.wanted([.block: "/v/new"])) == [])
    #expect(act(.wanted([:])) == [])
    #expect(act(.wanted([.block: "/v/new"])).count == 1)
  }

  @Test mutating func programThatDiesAtOnceIsTakenBack() throws {
    #expect(try prepare() == [.replace(first)])
    #expect(run([first: 20, second: 2], at: 20) == [])
    #expect(run([second: 2], at: 30) == [.revert(.block), .clean(.block)])
    #expect(updates.results[.block]?.contains("the old program is back") == true)
    #expect(run([first: 22, second: 2], at: 40) == [])
  }

  @Test mutating func programThatNeverStartsIsTakenBack() throws {
    #expect(try prepare() == [.replace(first)])
    #expect(run([second: 2], at: 30) == [])
    let last = try #require(updates.nextDeadline)
    #expect(act(.timeReached, at: last) == [.revert(.block), .clean(.block)])
  }

  @Test mutating func devicesMayGoAndDieMeanwhile() throws {
    #expect(try prepare() == [.replace(first)])
    // The second died by itself, and its next process runs the new program already.
    #expect(act(.changed([second: 9], leaves: [second]), at: 10) == [.clean(.block)])
    #expect(updates.results == [.block: "done: /v/new, 2 devices"])
  }

  @Test mutating func withoutDevicesOnlyTheFileChanges() throws {
    #expect(act(.wanted([.network: "/v/n"])).count == 1)
    #expect(act(.started(process: 1)) == [])
    #expect(act(.exited(process: 1, end: .exited(code: 0))) == [.tryOut(.network)])
    #expect(act(.started(process: 2)) == [])
    #expect(act(.exited(process: 2, end: .exited(code: 0))) == [.activate(.network)])
    #expect(act(.activated) == [.clean(.network)])
    #expect(updates.results == [.network: "done: /v/n, 0 devices"])
  }

  @Test mutating func fileThatDoesNotRunChangesNothing() {
    #expect(act(.wanted([.block: "/v/a"])).count == 1)
    #expect(act(.started(process: 1)) == [])
    #expect(act(.exited(process: 1, end: .exited(code: 0))) == [.tryOut(.block)])
    #expect(act(.started(process: 2)) == [])
    #expect(act(.timeReached, at: ProgramUpdates.trialMilliseconds) == [.kill(process: 2)])
    #expect(updates.nextDeadline == nil)
    #expect(act(.exited(process: 2, end: .killed(signal: 9))) == [.clean(.block)])
    #expect(updates.results == [.block: "failed: /v/a: does not run (signal 9)"])
  }

  @Test mutating func slowDiskIsGivenUp() {
    #expect(act(.wanted([.block: "/v/a", .network: "/v/b"])).count == 1)
    #expect(act(.started(process: 1)) == [])
    #expect(act(.timeReached, at: ProgramUpdates.copyMilliseconds) == [.kill(process: 1)])
    let actions = act(.exited(process: 1, end: .killed(signal: 9)))
    // The other order waited for its turn.
    #expect(actions.first == .clean(.block))
    #expect(actions.count == 2)
    #expect(updates.results[.network] == "running: /v/b")
  }

  @Test mutating func wrongPathsAreRefused() {
    #expect(act(.wanted([.block: "/elsewhere/bb", .network: ""])) == [])
    #expect(updates.results == [.block: "refused: '/elsewhere/bb' is on no volume that is mounted"])
    #expect(act(.started(process: 5)) == [.kill(process: 5)])
  }

  /// Whatever happens in whatever order: no trap, one order at a time, and always a way out.
  @Test func anyHistoryEnds() {
    var generator = SeededGenerator(seed: SeededGenerator.seed(for: "updates"))
    for _ in 0..<500 {
      var updates = ProgramUpdates(directories: nil, stopMilliseconds: 1_000)
      var now: UInt64 = 0
      for _ in 0..<60 {
        now += UInt64.random(in: 0...3_000, using: &generator)
        let process = Int32.random(in: 1...6, using: &generator)
        let event: ProgramUpdates.Event =
          switch Int.random(in: 0..<7, using: &generator) {
          case 0: .wanted([.block: "/\(process)", .network: process > 3 ? "/n" : ""])
          case 1: .started(process: process)
          case 2: .failed("chance")
          case 3: .activated
          case 4: .exited(process: process, end: .exited(code: process % 2))
          case 5: .changed([first: process, second: 7], leaves: [first, second])
          default: .timeReached
          }
        for action in updates.handle(event, now: now) {
          if case .replace = action, case .replacing = updates.phase { continue }
          if case .replace = action { Issue.record("a process gives way without an update") }
        }
      }
      for _ in 0..<10 {
        guard let deadline = updates.nextDeadline else { break }
        now = max(now, deadline)
        _ = updates.handle(.timeReached, now: now)
      }
      #expect(updates.nextDeadline == nil)
    }
  }
}
