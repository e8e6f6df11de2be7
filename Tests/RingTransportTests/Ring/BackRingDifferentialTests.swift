import PeerKit
import RingTransport
import SimulatedXen
import Testing

/// Our two ends against the macros of `xen/io/ring.h`: the same history must give the same
/// decisions and, byte for byte, the same ring.
struct BackRingDifferentialTests {
  @Test(arguments: testSeeds(count: 40))
  func randomHistories(seed: UInt64) throws {
    var generator = SeededGenerator(seed: seed)
    for abi in WireABI.allCases {
      let starts: [UInt32] = [0, .max - 3, .max - 40, generator.interestingStart()]
      let start = starts[Int(seed % 4)]
      let ring = try RingPair(abi: abi, pageCount: 1 << Int(seed % 5), start: start)
      for _ in 0..<400 { try step(ring, &generator) }
    }
  }

  private func step(_ ring: RingPair, _ generator: inout SeededGenerator) throws {
    #expect(ring.front.freeCount == ring.reference.freeCount)
    switch Int.random(in: 0..<9, using: &generator) {
    case 0, 1:
      let count = UInt32.random(in: 0...ring.front.freeCount, using: &generator)
      for _ in 0..<count {
        ring.putRequest(.init(repeating: generator.byte(), count: ring.abi.slotByteCount))
      }
      let isWanted = ring.front.pushRequests()
      #expect(isWanted == ring.reference.pushRequests())
    case 2, 3:
      let waiting = ring.reference.unconsumedRequests
      let slot = try ring.takeRequest()
      #expect((slot != nil) == (waiting > 0))
    case 4:
      let count = UInt32.random(in: 0...ring.back.inFlightCount, using: &generator)
      for _ in 0..<count {
        ring.publish(.init(repeating: generator.byte(), count: ring.abi.responseByteCount))
      }
      let isWanted = ring.back.takeNotifyDecision()
      #expect(isWanted == ring.reference.pushResponses())
    case 5:
      let hasWork = try ring.back.armRequestEvent()
      #expect(hasWork == ring.reference.finalCheckForRequests())
    case 6:
      let hasWork = ring.front.armResponseEvent()
      #expect(hasWork == ring.reference.finalCheckForResponses())
    case 7:
      #expect(ring.front.unconsumedCount == ring.reference.unconsumedResponses)
      if ring.front.takeResponse() != nil { ring.reference.takeResponse() }
    default:
      // The peer may ask for its event anywhere.
      let ahead = UInt32.random(in: 0...40, using: &generator)
      ring.poke(ring.front.responseConsumer.rawValue &+ ahead, at: 12)
    }
    #expect(ring.isSame)
  }

  /// All producer indices around every state of a ring: what cannot be is what the macro says.
  @Test func producerBoundsExhaustively() throws {
    let starts: [UInt32] = [0, 5, .max - 3, .max - 31]
    for start in starts {
      for taken in UInt32(0)...32 {
        for answered in UInt32(0)...taken where taken <= 8 || answered % 5 == 0 {
          try checkProducerBounds(start: start, taken: taken, answered: answered)
        }
      }
    }
  }

  private func checkProducerBounds(start: UInt32, taken: UInt32, answered: UInt32) throws {
    let ring = try RingPair(abi: .x86Bits64, pageCount: 1, start: start)
    ring.poke(start &+ taken, at: 0)
    for _ in 0..<taken {
      #expect(try ring.takeRequest() != nil)
    }
    for _ in 0..<answered { ring.publish([UInt8](repeating: 1, count: 16)) }
    for distance in -40...72 {
      let producer = start &+ answered &+ UInt32(truncatingIfNeeded: distance)
      ring.poke(producer, at: 0)
      let isTooFar = ring.reference.producerOverflows(producer)
      // The macros let a producer fall back behind what was taken; we do not.
      let isBehind = producer &- (start &+ answered) < taken &- answered
      do {
        _ = try ring.back.armRequestEvent()
        #expect(!isTooFar && !isBehind, "\(start) \(taken) \(answered) \(distance)")
      } catch {
        #expect(isTooFar || isBehind, "\(start) \(taken) \(answered) \(distance)")
      }
    }
  }

  /// Every place that `rsp_event` can have, for every number of responses published at once.
  @Test func notifyDecisionsExhaustively() throws {
    let starts: [UInt32] = [0, .max - 3, .max, 0x7fff_fffe]
    for start in starts {
      for published in UInt32(0)...8 {
        for event in -12...12 {
          let ring = try RingPair(abi: .x86Bits32, pageCount: 1, start: start)
          ring.poke(start &+ 8, at: 0)
          for _ in 0..<8 { _ = try ring.takeRequest() }
          for _ in 0..<published { ring.publish([UInt8](repeating: 1, count: 12)) }
          ring.poke(start &+ UInt32(truncatingIfNeeded: event), at: 12)
          let isWanted = ring.back.takeNotifyDecision()
          #expect(isWanted == ring.reference.pushResponses())
          #expect(isWanted == (event >= 1 && event <= Int(published)))
          let again = ring.back.takeNotifyDecision()
          #expect(!again, "nothing new was published")
        }
      }
    }
  }
}

extension SeededGenerator {
  fileprivate mutating func byte() -> UInt8 { UInt8(truncatingIfNeeded: next()) }

  fileprivate mutating func interestingStart() -> UInt32 {
    UInt32(truncatingIfNeeded: next())
  }
}
