import PeerKit
import SimulatedXen
import Testing

@testable import NetBackend

/// A guest held to a rate: what it sends goes out no sooner than it may, all of it, in order.
struct NetQueueRateTests {
  @Test(arguments: testSeeds(count: 10))
  func bytesDoNotExceedTheRate(seed: UInt64) throws {
    // A tenth of a second brings 200 kB.
    let rate = NetRate(byteCount: 100_000, periodNanoseconds: 50_000_000)
    var options = NetScenario.Options(seed: seed)
    options.rate = rate
    let scenario = try NetScenario(options)
    let (frontend, harness) = (scenario.frontend, scenario.harness)
    let start = harness.now
    var frames = FrameBuilder(seed: seed)
    var expected: [[UInt8]] = []
    var answered = 0
    while answered < 200 {
      while expected.count < 200, frontend.transmitFreeCount > 20 {
        let frame = frames.any(frontend.features)
        frontend.send(frame.packet)
        expected.append(frame.packet.bytes)
      }
      frontend.push()
      try harness.settle()
      let bytes = harness.network.sent.reduce(0) { $0 + $1.count - 10 }
      let periods = (harness.now - start) / rate.periodNanoseconds
      let allowed = UInt64(100_000) * (periods + 1) + CreditLimiter.smallestBurstByteCount
      #expect(UInt64(bytes) <= allowed, "after \(periods) periods")
      answered += try frontend.reapTransmitted().count
      guard answered < 200 else { break }
      if let time = harness.wakeUpTime {
        #expect(time > harness.now)
        harness.now = time
      } else {
        #expect(harness.isAwake || frontend.transmitOutstandingCount == 0)
      }
    }
    #expect(harness.network.sent.map { Array($0.dropFirst(10)) } == expected)
    let bytes = expected.reduce(0) { $0 + $1.count }
    let passed = Double(harness.now - start) / 1e9
    #expect(passed >= Double(bytes - 100_000 - 131_072) / 2e6, "\(bytes) bytes in \(passed) s")
  }

  /// While a guest waits for credit, it can still receive.
  @Test func receptionGoesOnMeanwhile() throws {
    var options = NetScenario.Options(seed: 1)
    options.rate = NetRate(byteCount: 20_000, periodNanoseconds: 1_000_000_000)
    let scenario = try NetScenario(options)
    var frames = FrameBuilder(seed: 1)
    for _ in 0..<3 { scenario.frontend.send(frames.build(.udp4, byteCount: 15_000).packet) }
    scenario.frontend.postBuffers()
    scenario.frontend.push()
    scenario.harness.network.put(PortHeader(), frames.build(.udp4, byteCount: 1000).packet.bytes)
    try scenario.harness.settle()
    #expect(scenario.harness.network.sent.count == 1)
    #expect(scenario.harness.wakeUpTime == 2_000_000_000)
    #expect(try scenario.frontend.takeReceived().count == 1)
    // Events do not make it spin: it is asleep until then.
    scenario.frontend.send(frames.build(.udp4, byteCount: 15_000).packet)
    scenario.frontend.push()
    let before = scenario.harness.turnCount
    try scenario.harness.settle()
    #expect(scenario.harness.turnCount - before <= 1)
    scenario.harness.policy.setRate(nil, now: scenario.harness.now)
    scenario.machine.send(scenario.frontend.transmitPort, of: .guest)
    try scenario.harness.settle()
    #expect(scenario.harness.network.sent.count == 4)
  }
}
