import PeerKit
import RingTransport
import SimulatedXen
import Testing

@testable import NetBackend

/// Hostile guests: thousands of programs that write what they like into rings, pages and grants,
/// next to a neighbour whose network must not notice.
struct NetQueueHostileTests {
  @Test(arguments: testSeedGroups(count: 2000, groupSize: 100))
  func programsHarmNobodyElse(seeds: [UInt64]) {
    for seed in seeds {
      do {
        try HostileNetRun(seed: seed).run()
      } catch {
        Issue.record("seed \(seed): \(error)")
      }
    }
  }

  /// The programs do get to where it hurts: some are sent home, and some send and receive.
  @Test func programsAreNearlyValid() throws {
    var violations: Set<String> = []
    var sum = NetStatistics()
    for seed in 1...200 as ClosedRange<UInt64> {
      let run = try HostileNetRun(seed: seed)
      try run.run()
      sum = sum + run.statistics
      if let violation = run.harness.violation { violations.insert(violation.kind) }
    }
    #expect(sum.transmittedPackets > 500 && sum.receivedPackets > 500)
    #expect(sum.transmittedSegmented > 20 && sum.malformed > 100 && sum.badGrants > 100)
    #expect(
      violations.isSuperset(of: [
        "ring", "incompletePacket", "tooManySlots", "unknownExtra", "crossesPage",
      ]), "\(violations)")
  }

  /// An index that cannot be ends the device, at once and for good.
  @Test(arguments: testSeeds(count: 40))
  func lyingIndicesAreViolations(seed: UInt64) throws {
    for kind in [LyingRing.transmit, .receive] {
      let run = try HostileNetRun(seed: seed)
      // A frame makes it look at the receive ring.
      run.hostile.offerBuffers(3)
      run.harness.network.put(PortHeader(), [UInt8](repeating: 1, count: 60))
      run.hostile.lieAboutIndices(on: kind)
      run.harness.turn()
      #expect(run.harness.violation != nil, "\(kind)")
      #expect(!run.harness.isAwake)
      try run.close()
    }
  }

  /// A guest without buffers costs no memory: frames wait at the network, all but one, and are
  /// dropped there and here after a time.
  @Test(arguments: [true, false])
  func aGuestThatDoesNotListenCostsNoMemory(sendsEvents: Bool) throws {
    var options = NetScenario.Options(seed: 1)
    options.sendsReceiveEvents = sendsEvents
    let scenario = try NetScenario(options)
    let harness = scenario.harness
    // Fewer buffers than the first frame needs.
    scenario.frontend.bufferCountMax = 2
    scenario.frontend.postBuffers()
    scenario.frontend.push()
    for _ in 0..<500 {
      harness.network.put(PortHeader(), [UInt8](repeating: 1, count: 40_000))
      try harness.settle()
    }
    #expect(harness.network.takenCount <= 1)
    let before = harness.turnCount
    while let time = harness.wakeUpTime, harness.network.takenCount < 500 {
      harness.now = time
      try harness.settle()
    }
    #expect(harness.network.takenCount == 500 && harness.statistics.stalled == 500)
    #expect(harness.now == 1_000_000_000 + ReceiveQueue.stallNanoseconds)
    // A guest that sends no events is looked at now and then.
    #expect(harness.turnCount - before < 10 + (sendsEvents ? 0 : 400))
    #expect(harness.wantsFrames, "the next frame wakes it")
    // And once it listens again, all is well.
    scenario.frontend.bufferCountMax = 256
    scenario.frontend.postBuffers()
    scenario.frontend.push()
    harness.network.put(PortHeader(), [UInt8](repeating: 2, count: 40_000))
    try harness.settle()
    #expect(try scenario.frontend.takeReceived().map { $0.packet?.bytes.count } == [40_000])
  }

  /// Whatever a network sends: too long, too short, nonsense in front.
  @Test(arguments: testSeeds(count: 40))
  func noFrameOfTheNetworkHarms(seed: UInt64) throws {
    let scenario = try NetScenario(.init(seed: seed))
    var generator = SeededGenerator(seed: seed)
    var frames = FrameBuilder(seed: seed)
    for _ in 0..<200 {
      let frame = frames.any(scenario.frontend.features)
      var header = PortHeader(frame)
      var bytes = frame.packet.bytes
      let word = UInt16.random(in: 0 ... .max, using: &generator)
      switch Int.random(in: 0..<10, using: &generator) {
      case 0: header.flags = .random(in: 0...255, using: &generator)
      case 1: header.segmentation = .random(in: 0...255, using: &generator)
      case 2: (header.flags, header.checksumStart) = (1, word)
      case 3: (header.flags, header.checksumOffset) = (1, word)
      case 4: (header.segmentation, header.segmentByteCount) = (1, word & 3)
      case 5: bytes = Array(bytes.prefix(Int(word) % 60))
      case 6: bytes = [UInt8](repeating: 3, count: 70_000)
      case 7: bytes[Int(word) % min(80, bytes.count)] ^= 0xff
      default: break
      }
      if generator.chance(percent: 3) {
        scenario.harness.network.put(raw: Array(header.encoded.prefix(Int(word) % 11)))
      } else {
        scenario.harness.network.put(header, bytes)
      }
      scenario.frontend.postBuffers()
      scenario.frontend.push()
      try scenario.harness.settle()
      _ = try scenario.frontend.takeReceived()
      #expect(scenario.harness.violation == nil)
    }
    #expect(scenario.harness.network.waiting.isEmpty)
    #expect(scenario.harness.statistics.receivedPackets > 40)
    try scenario.frontend.auditRings()
  }
}

extension NetViolation {
  /// The name of the case.
  fileprivate var kind: String {
    switch self {
    case .ring: "ring"
    case .incompletePacket: "incompletePacket"
    case .tooManySlots: "tooManySlots"
    case .tooManyExtras: "tooManyExtras"
    case .unknownExtra: "unknownExtra"
    case .pagesTakenBack: "pagesTakenBack"
    case .crossesPage: "crossesPage"
    }
  }
}
