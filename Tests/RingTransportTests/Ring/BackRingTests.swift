import PeerKit
import RingTransport
import Testing

/// What the macros leave to their caller.
struct BackRingTests {
  /// A request is what it was when it was taken, whatever the guest writes afterwards.
  @Test func requestsAreCopiedOut() throws {
    let ring = try RingPair(abi: .x86Bits64, pageCount: 1, start: 0)
    let request = (0..<112).map { UInt8($0) }
    ring.putRequest(request)
    _ = ring.front.pushRequests()
    let taken = try ring.takeRequest()
    ring.front.pages.storeReleasing(0xffff_ffff, at: 64)
    #expect(taken == request)
    #expect(try ring.takeRequest() == nil)
  }

  /// The guest's page is no memory of ours: what it does to `rsp_prod` and `req_event` changes
  /// nothing.
  @Test func ourIndicesAreOurs() throws {
    let ring = try RingPair(abi: .x86Bits64, pageCount: 1, start: 0)
    ring.poke(3, at: 0)
    ring.poke(77, at: 8)
    ring.poke(99, at: 4)
    for _ in 0..<3 { #expect(try ring.takeRequest() != nil) }
    ring.publish([UInt8](repeating: 0, count: 16))
    #expect(ring.word(at: 8) == 1)
    #expect(ring.back.inFlightCount == 2)
    let hasWork = try ring.back.armRequestEvent()
    #expect(!hasWork)
    #expect(ring.word(at: 4) == 4)
  }

  /// A backend that comes after another one goes on where that one was.
  @Test func attachesWhereTheLastBackendWas() throws {
    let ring = try RingPair(abi: .x86Bits32, pageCount: 2, start: .max - 1)
    ring.poke(5, at: 0)
    ring.poke(2, at: 8)
    var back = try BackRing(attachingTo: try ring.view(), slotByteCount: 108)
    #expect(back.responseProducer.rawValue == 2)
    #expect(back.requestConsumer.rawValue == 2)
    #expect(back.inFlightCount == 0)
    let isWanted = back.takeNotifyDecision()
    #expect(!isWanted)
  }

  /// A ring whose indices contradict each other is refused.
  @Test(arguments: [UInt32(33), 34, 0x8000_0000, .max])
  func refusesARingThatCannotBe(producer: UInt32) throws {
    let ring = try RingPair(abi: .x86Bits64, pageCount: 1, start: 0)
    ring.poke(producer, at: 0)
    #expect(throws: RingViolation.self) {
      _ = try BackRing(attachingTo: try ring.view(), slotByteCount: 112)
    }
  }
}
