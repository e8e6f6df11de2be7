package import RingTransport
import Synchronization

/// The frontend's end of a shared ring, as `xen/io/ring.h` has it: produces requests, takes
/// responses, decides on events. Knows bytes and indices, no protocol.
package struct FrontRing: ~Copyable {
  /// The frontend's own view of the ring's pages.
  package let pages: SharedPages
  /// Slot size and count.
  package let layout: RingLayout
  /// Where the next request goes.
  package private(set) var requestProducer: RingIndex
  /// The next response to take.
  package private(set) var responseConsumer: RingIndex
  /// Requests up to here are visible to the backend.
  private var pushedProducer: RingIndex

  /// Makes an empty ring (`SHARED_RING_INIT`, `FRONT_RING_ATTACH`). What was in the slots stays.
  ///
  /// - Parameter start: where the counters begin, so that a test need not wait for the wrap.
  package init(
    initializing pages: consuming SharedPages, slotByteCount: Int, at start: RingIndex = .zero
  ) {
    layout = RingLayout(
      pageCount: pages.byteCount / xenPageByteCount, slotByteCount: slotByteCount)
    let header = [UInt8](repeating: 0, count: RingLayout.slotsOffset)
    // SAFETY: the raw bytes of initialised integers.
    pages.copyIn(unsafe header.span.bytes, to: 0)
    pages.storeReleasing(start.rawValue, at: RingLayout.requestProducerOffset)
    pages.storeReleasing(start.rawValue, at: RingLayout.responseProducerOffset)
    let next = start.advanced(by: 1).rawValue
    pages.storeReleasing(next, at: RingLayout.requestEventOffset)
    pages.storeReleasing(next, at: RingLayout.responseEventOffset)
    self.pages = pages
    requestProducer = start
    responseConsumer = start
    pushedProducer = start
  }

  /// Slots that a request can be put into (`RING_FREE_REQUESTS`).
  package var freeCount: UInt32 {
    layout.slotCount - requestProducer.distance(from: responseConsumer)
  }

  /// Writes a request into the next slot. The backend does not see it yet.
  package mutating func putRequest(_ slot: RawSpan) {
    precondition(freeCount > 0 && slot.byteCount <= layout.slotByteCount)
    pages.copyIn(slot, to: layout.slotOffset(of: requestProducer))
    requestProducer = requestProducer.advanced(by: 1)
  }

  /// Shows the backend all requests (`RING_PUSH_REQUESTS_AND_CHECK_NOTIFY`).
  ///
  /// - Returns: whether the backend wants an event for it.
  package mutating func pushRequests() -> Bool {
    let pushed = requestProducer.distance(from: pushedProducer)
    pushedProducer = requestProducer
    pages.storeReleasing(requestProducer.rawValue, at: RingLayout.requestProducerOffset)
    atomicMemoryFence(ordering: .sequentiallyConsistent)
    let wanted = RingIndex(rawValue: pages.loadAcquiring(at: RingLayout.requestEventOffset))
    return requestProducer.distance(from: wanted) < pushed
  }

  /// Responses that wait (`XEN_RING_NR_UNCONSUMED_RESPONSES`). A backend that lies makes it more
  /// than there are slots.
  package var unconsumedCount: UInt32 {
    RingIndex(rawValue: pages.loadAcquiring(at: RingLayout.responseProducerOffset))
      .distance(from: responseConsumer)
  }

  /// Copies the next response's slot out.
  ///
  /// - Returns: nil when there is none.
  package mutating func takeResponse() -> [UInt8]? {
    guard unconsumedCount > 0 else { return nil }
    let slot = pages.bytes(
      from: layout.slotOffset(of: responseConsumer), count: layout.slotByteCount)
    responseConsumer = responseConsumer.advanced(by: 1)
    return slot
  }

  /// Asks for an event at the response `ahead` places on, then looks once more
  /// (`RING_FINAL_CHECK_FOR_RESPONSES`, where `ahead` is 1).
  ///
  /// - Returns: true when there are responses, so that sleeping now would be wrong.
  package mutating func armResponseEvent(ahead: UInt32 = 1) -> Bool {
    if unconsumedCount > 0 { return true }
    pages.storeReleasing(
      responseConsumer.advanced(by: ahead).rawValue, at: RingLayout.responseEventOffset)
    atomicMemoryFence(ordering: .sequentiallyConsistent)
    return unconsumedCount >= ahead
  }
}

extension SharedPages {
  /// A private copy of some bytes.
  package func bytes(from offset: Int, count: Int) -> [UInt8] {
    var copy = [UInt8](repeating: 0, count: count)
    var elements = copy.mutableSpan
    // SAFETY: the raw bytes of initialised integers; every bit pattern is one.
    var bytes = unsafe elements.mutableBytes
    copyOut(from: offset, byteCount: count, into: &bytes)
    return copy
  }
}
