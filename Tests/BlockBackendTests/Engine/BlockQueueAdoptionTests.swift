import PeerKit
import SimulatedXen
import Testing

@testable import BlockBackend

/// Guests whose backend dies under them, again and again, and is followed by another: they must see
/// nothing but a pause.
struct BlockQueueAdoptionTests {
  @Test(arguments: testSeeds(count: 60))
  func noRequestIsLostOrAnsweredTwice(seed: UInt64) throws {
    var options = DiskScenario.Options.varied(by: seed)
    options.isInOrder = seed % 7 == 0
    if seed % 2 == 0 { options.linkCountMax = .max }
    let scenario = try DiskScenario(options)
    scenario.disk.faults.shortPercent = Int(seed % 4) * 20
    let workload = HonestWorkload(scenario, seed: seed)
    workload.crashesPerThousand = 20
    try workload.run(requestCount: 200)
    #expect(scenario.harness.crashCount > 0)
  }

  /// The last process published responses and died before it sent the event: without one from the
  /// next, the guest would sleep for ever.
  @Test func theNextProcessSendsTheEventThatTheLastOneOwed() throws {
    let scenario = try DiskScenario()
    scenario.frontend.submit(FrontendRequest(.flush))
    scenario.frontend.push()
    scenario.harness.turn()
    #expect(scenario.harness.completeOne())
    scenario.harness.crash(inTurn: true)
    #expect(!scenario.frontend.isAwake)
    try scenario.harness.restart()
    scenario.harness.turn()
    #expect(scenario.frontend.isAwake)
    #expect(try scenario.frontend.handleEvent().count == 1)
    // Once: an event for nothing costs the guest a delay.
    scenario.harness.turn()
    #expect(!scenario.frontend.isAwake)
  }

  /// A fresh ring gets no event that it did not ask for.
  @Test func aFirstProcessSendsNoEventOfItsOwn() throws {
    let scenario = try DiskScenario()
    scenario.harness.turn()
    #expect(!scenario.frontend.isAwake)
  }

  /// In order: however the target goes about it, responses come as the requests did.
  @Test(arguments: testSeeds(count: 10))
  func responsesKeepTheOrderOfTheirRequests(seed: UInt64) throws {
    var options = DiskScenario.Options()
    options.isInOrder = true
    options.seed = seed
    let scenario = try DiskScenario(options)
    for round in 0..<5 {
      let identifiers = (0..<20).map { _ in scenario.frontend.submit(FrontendRequest(.flush)) }
      scenario.frontend.push()
      scenario.harness.turn()
      var answered: [UInt64] = []
      while scenario.harness.completeOne() {
        scenario.harness.turn()
        if round == 3, answered.count == 7 {
          scenario.harness.crash(inTurn: false)
          try scenario.harness.restart()
          scenario.harness.turn()
        }
        answered += try scenario.frontend.takeResponses().map(\.identifier)
      }
      #expect(answered == identifiers)
    }
    try scenario.frontend.auditRing()
  }
}
