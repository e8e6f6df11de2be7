/// Where a backend is in a ring, and the rules of `xen/io/ring.h` for going on.
///
/// The indices kept here are ours alone; what the peer does to the page cannot move them. A plain
/// value, so that tests can copy it; the pages come with each call.
package struct BackRingCursor: Hashable, Sendable {
  /// Slot size and count.
  package let layout: RingLayout
  /// The next request to take.
  package private(set) var requestConsumer: RingIndex
  /// The next response to publish.
  package private(set) var responseProducer: RingIndex
  /// The response producer at the last notify decision.
  private var notifiedProducer: RingIndex

  /// Begins at `producer`: nothing is taken, everything before it is answered.
  package init(layout: RingLayout, at producer: RingIndex) {
    self.layout = layout
    requestConsumer = producer
    responseProducer = producer
    notifiedProducer = producer
  }

  /// Begins where the last backend left the ring (`BACK_RING_ATTACH`).
  ///
  /// - Throws: when the shared indices contradict each other.
  package init<Memory: RingMemory & ~Copyable>(
    attachingTo memory: borrowing Memory, layout: RingLayout
  ) throws(RingViolation) {
    self.init(
      layout: layout,
      at: RingIndex(rawValue: memory.loadAcquiring(at: RingLayout.responseProducerOffset)))
    _ = try unconsumedCount(memory)
  }

  /// Requests taken and not answered.
  package var inFlightCount: UInt32 { requestConsumer.distance(from: responseProducer) }

  /// Consumes the next request, nil when there is none.
  ///
  /// - Returns: where it lies.
  package mutating func consume<Memory: RingMemory & ~Copyable>(
    _ memory: borrowing Memory
  ) throws(RingViolation) -> RingIndex? {
    guard try unconsumedCount(memory) > 0 else { return nil }
    let index = requestConsumer
    requestConsumer = index.advanced(by: 1)
    return index
  }

  /// Makes the response in slot `responseProducer` the peer's.
  package mutating func produce<Memory: RingMemory & ~Copyable>(_ memory: borrowing Memory) {
    precondition(inFlightCount > 0, "one response for each request taken")
    responseProducer = responseProducer.advanced(by: 1)
    memory.storeReleasing(responseProducer.rawValue, at: RingLayout.responseProducerOffset)
  }

  /// See ``BackRing/takeNotifyDecision()``.
  package mutating func takeNotifyDecision<Memory: RingMemory & ~Copyable>(
    _ memory: borrowing Memory
  ) -> Bool {
    let published = responseProducer.distance(from: notifiedProducer)
    guard published > 0 else { return false }
    notifiedProducer = responseProducer
    fullMemoryFence()
    let wanted = RingIndex(
      rawValue: memory.loadAcquiring(at: RingLayout.responseEventOffset))
    return responseProducer.distance(from: wanted) < published
  }

  /// See ``BackRing/armRequestEvent()``.
  package func armRequestEvent<Memory: RingMemory & ~Copyable>(
    _ memory: borrowing Memory
  ) throws(RingViolation) -> Bool {
    if try unconsumedCount(memory) > 0 { return true }
    memory.storeReleasing(
      requestConsumer.advanced(by: 1).rawValue, at: RingLayout.requestEventOffset)
    fullMemoryFence()
    return try unconsumedCount(memory) > 0
  }

  /// Requests that wait in the ring, checked against what can be.
  ///
  /// Everything between `rsp_prod` and `req_prod` occupies a slot, so the distance is at most the
  /// number of slots; and the frontend never takes a request back, so it is at least what we hold.
  package func unconsumedCount<Memory: RingMemory & ~Copyable>(
    _ memory: borrowing Memory
  ) throws(RingViolation) -> UInt32 {
    let producer = RingIndex(
      rawValue: memory.loadAcquiring(at: RingLayout.requestProducerOffset))
    let outstanding = producer.distance(from: responseProducer)
    let held = inFlightCount
    guard outstanding <= layout.slotCount, outstanding >= held else {
      throw .requestProducerOutOfRange(
        requestProducer: producer.rawValue, responseProducer: responseProducer.rawValue,
        slots: layout.slotCount)
    }
    return outstanding &- held
  }
}
