import PeerKit
import SimulatedXen
import Testing

@testable import BlockBackend

/// Barriers: what a guest asked for before one is done before it, and what it asks for after one is
/// done after it, in the life of one process and across deaths.
struct BlockQueueBarrierTests {
  /// A barrier is a flush, a write and a flush, and nothing else is at the disk meanwhile.
  @Test func aBarrierIsServedAlone() throws {
    let scenario = try DiskScenario()
    for operation in [FrontendRequest.Operation.write, .barrier, .write] {
      scenario.frontend.submit(Self.request(operation, sector: 8, value: 1))
    }
    scenario.frontend.push()
    var endedCount = 0
    repeat {
      while scenario.harness.isAwake { scenario.harness.turn() }
      #expect(scenario.disk.inFlightCount <= 1)
      endedCount += 1
    } while scenario.harness.completeOne()
    #expect(endedCount == 1 + 5)
    #expect(try scenario.frontend.handleEvent().map(\.status) == [0, 0, 0])
  }

  /// One without data is a flush, alone too.
  @Test func aBarrierMayBeEmpty() throws {
    let scenario = try DiskScenario()
    for _ in 0..<2 { scenario.frontend.submit(FrontendRequest(.barrier)) }
    scenario.frontend.push()
    scenario.harness.turn()
    #expect(scenario.disk.inFlightCount == 1)
    scenario.harness.settle()
    #expect(try scenario.frontend.handleEvent().map(\.status) == [0, 0])
  }

  /// Writes to one place before, at and after a barrier. The disk ends what it has in any order,
  /// and processes die at any time; what came last has to be there in the end.
  @Test(arguments: testSeeds(count: 40), [false, true])
  func orderSurvives(seed: UInt64, isInOrder: Bool) throws {
    var options = DiskScenario.Options()
    options.seed = seed
    options.isInOrder = isInOrder
    options.startIndex = seed % 2 == 0 ? .max - 5 : 0
    let scenario = try DiskScenario(options)
    var generator = SeededGenerator(seed: seed)
    for round in 0..<40 {
      let sector = UInt64.random(in: 0..<4, using: &generator) * 8
      let last = UInt8(truncatingIfNeeded: round * 5 + 5)
      for (index, operation) in [.write, .write, .barrier, .barrier, .write]
        .enumerated() as EnumeratedSequence<[FrontendRequest.Operation]>
      {
        scenario.frontend.submit(
          Self.request(operation, sector: sector, value: last - 4 + UInt8(index)))
        if generator.chance(percent: 50) { scenario.frontend.push() }
        if generator.chance(percent: 20) { try act(scenario, &generator) }
      }
      scenario.frontend.push()
      var steps = 0
      while scenario.frontend.outstandingCount > 0, steps < 10_000 {
        try act(scenario, &generator)
        steps += 1
      }
      #expect(scenario.frontend.outstandingCount == 0, "all sleep in round \(round)")
      #expect(scenario.disk.bytes[Int(sector) * 512] == last, "round \(round)")
    }
    #expect(scenario.harness.crashCount > 0)
  }

  /// Somebody does something.
  private func act(_ scenario: DiskScenario, _ generator: inout SeededGenerator) throws {
    let harness = scenario.harness
    if harness.isDead {
      try harness.restart()
    } else if generator.chance(percent: 3) {
      harness.crash(inTurn: generator.chance(percent: 50))
    } else if harness.isAwake, generator.chance(percent: 50) {
      harness.turn()
    } else {
      _ = harness.completeOne()
    }
    if scenario.frontend.isAwake {
      #expect(try scenario.frontend.handleEvent().allSatisfy { $0.status == 0 })
    }
  }

  private static func request(
    _ operation: FrontendRequest.Operation, sector: UInt64, value: UInt8
  ) -> FrontendRequest {
    var request = FrontendRequest(operation, sector: sector)
    request.segments = FrontendRequest.pages(sectorCount: 8)
    request.data = [UInt8](repeating: value, count: 4096)
    return request
  }
}
