/// The backend's end of a shared ring: takes requests, publishes responses, decides on events.
///
/// Knows bytes and indices, no protocol. The peer's words are never trusted: a request is copied
/// out exactly once, and a producer index that cannot be is a ``RingViolation``. The indices kept
/// here are ours alone; what the peer does to the page cannot move them.
///
/// Follows `xen/io/ring.h`: acquire load of `req_prod`, release store of `rsp_prod`, a full fence
/// before the notify decision and in the final check before sleep. One thread uses an instance.
public struct BackRing: ~Copyable {
  private let pages: SharedPages
  /// Slot size and count.
  public let layout: RingLayout
  /// The next request to take.
  public private(set) var requestConsumer: RingIndex
  /// The next response to publish.
  public private(set) var responseProducer: RingIndex
  /// The response producer at the last notify decision.
  private var notifiedProducer: RingIndex

  /// Attaches to a ring where its last backend left it: at the shared `rsp_prod`, which is 0 in a
  /// fresh one (`BACK_RING_ATTACH`).
  ///
  /// - Throws: when the shared indices contradict each other.
  public init(attachingTo pages: consuming SharedPages, slotByteCount: Int) throws(RingViolation) {
    let layout = RingLayout(
      pageCount: pages.byteCount / xenPageByteCount, slotByteCount: slotByteCount)
    let producer = RingIndex(
      rawValue: pages.loadAcquiring(at: RingLayout.responseProducerOffset))
    self.layout = layout
    self.pages = pages
    requestConsumer = producer
    responseProducer = producer
    notifiedProducer = producer
    _ = try waitingRequestCount()
  }

  /// Requests taken and not answered.
  public var inFlightCount: UInt32 { requestConsumer.distance(from: responseProducer) }

  /// Copies the next request to the start of `slot` (at least the layout's slot size) and consumes
  /// it.
  ///
  /// - Returns: false when there is none.
  /// - Throws: when the producer index cannot be; the ring must not be used any more.
  public mutating func takeRequest(
    into slot: inout MutableRawSpan
  ) throws(RingViolation) -> Bool {
    guard try waitingRequestCount() > 0 else { return false }
    pages.copyOut(
      from: layout.slotOffset(of: requestConsumer), byteCount: layout.slotByteCount, into: &slot)
    requestConsumer = requestConsumer.advanced(by: 1)
    return true
  }

  /// Publishes one response: its bytes, then the producer index. The peer may see it at once.
  public mutating func publish(_ response: RawSpan) {
    stage(response)
    pushStaged()
  }

  /// Writes one response that the peer does not see before ``pushStaged()``: a packet's responses
  /// become visible together.
  public mutating func stage(_ response: RawSpan) {
    precondition(response.byteCount <= layout.slotByteCount)
    precondition(inFlightCount > 0, "one response for each request taken")
    pages.copyIn(response, to: layout.slotOffset(of: responseProducer))
    responseProducer = responseProducer.advanced(by: 1)
  }

  /// Shows the peer everything that was staged.
  public mutating func pushStaged() {
    pages.storeReleasing(responseProducer.rawValue, at: RingLayout.responseProducerOffset)
  }

  /// Whether the peer asked for an event on any response published since the last call
  /// (`RING_PUSH_RESPONSES_AND_CHECK_NOTIFY`, once for a whole batch).
  ///
  /// An event that nobody asked for costs a guest an EOI delay (XSA-391 hardening).
  public mutating func takeNotifyDecision() -> Bool {
    let published = responseProducer.distance(from: notifiedProducer)
    guard published > 0 else { return false }
    notifiedProducer = responseProducer
    fullMemoryFence()
    let wanted = RingIndex(
      rawValue: pages.loadAcquiring(at: RingLayout.responseEventOffset))
    return responseProducer.distance(from: wanted) < published
  }

  /// Asks for an event when the next request comes, then looks once more
  /// (`RING_FINAL_CHECK_FOR_REQUESTS`).
  ///
  /// - Parameter count: how many waiting requests there have to be for the owner to go on.
  /// - Returns: true when there are as many, so that sleeping now would miss them.
  public mutating func armRequestEvent(needing count: UInt32 = 1) throws(RingViolation) -> Bool {
    let waiting = try waitingRequestCount()
    if waiting >= count { return true }
    pages.storeReleasing(
      requestConsumer.advanced(by: waiting &+ 1).rawValue, at: RingLayout.requestEventOffset)
    fullMemoryFence()
    return try waitingRequestCount() >= count
  }

  /// Requests that wait in the ring, checked against what can be.
  ///
  /// Everything between `rsp_prod` and `req_prod` occupies a slot, so the distance is at most the
  /// number of slots; and the frontend never takes a request back, so it is at least what we hold.
  public func waitingRequestCount() throws(RingViolation) -> UInt32 {
    let producer = RingIndex(
      rawValue: pages.loadAcquiring(at: RingLayout.requestProducerOffset))
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
