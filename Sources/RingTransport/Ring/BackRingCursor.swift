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
    _ = try waitingRequestCount(memory)
  }

  /// Requests taken and not answered.
  package var inFlightCount: UInt32 { requestConsumer.distance(from: responseProducer) }

  /// Consumes the next request, nil when there is none.
  ///
  /// - Returns: where it lies.
  package mutating func consume<Memory: RingMemory & ~Copyable>(
    _ memory: borrowing Memory
  ) throws(RingViolation) -> RingIndex? {
    guard try waitingRequestCount(memory) > 0 else { return nil }
    let index = requestConsumer
    requestConsumer = index.advanced(by: 1)
    return index
  }

  /// Counts the response in slot `responseProducer`. The peer does not see it yet.
  package mutating func advanceProducer() {
    precondition(inFlightCount > 0, "one response for each request taken")
    responseProducer = responseProducer.advanced(by: 1)
  }

  /// Makes all responses that were counted the peer's.
  package func pushProducer<Memory: RingMemory & ~Copyable>(_ memory: borrowing Memory) {
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

  /// See ``BackRing/armRequestEvent(needing:)``.
  package func armRequestEvent<Memory: RingMemory & ~Copyable>(
    _ memory: borrowing Memory, needing count: UInt32 = 1
  ) throws(RingViolation) -> Bool {
    let waiting = try waitingRequestCount(memory)
    if waiting >= count { return true }
    memory.storeReleasing(
      requestConsumer.advanced(by: waiting &+ 1).rawValue, at: RingLayout.requestEventOffset)
    fullMemoryFence()
    return try waitingRequestCount(memory) >= count
  }

  /// See ``BackRing/waitingRequestCount()``.
  package func waitingRequestCount<Memory: RingMemory & ~Copyable>(
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
