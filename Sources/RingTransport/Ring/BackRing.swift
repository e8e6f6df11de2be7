/// The backend's end of a shared ring: takes requests, publishes responses in ring order, decides
/// on events.
///
/// Knows bytes and indices, no protocol. The peer's words are never trusted: a request is copied
/// out exactly once, and a producer index that cannot be is a ``RingViolation``. The indices kept
/// here are ours alone; what the peer does to the page cannot move them.
///
/// For rings whose requests are answered in the order in which they came. Where they end in any
/// order and a crash must lose none, see ``JournaledRing``.
///
/// Follows `xen/io/ring.h`: acquire load of `req_prod`, release store of `rsp_prod`, a full fence
/// before the notify decision and in the final check before sleep. One thread uses an instance.
public struct BackRing: ~Copyable {
  private let pages: SharedPages
  private var cursor: BackRingCursor

  /// Attaches to a ring where its last backend left it: at the shared `rsp_prod`, which is 0 in a
  /// fresh one (`BACK_RING_ATTACH`).
  ///
  /// - Throws: when the shared indices contradict each other.
  public init(attachingTo pages: consuming SharedPages, slotByteCount: Int) throws(RingViolation) {
    let layout = RingLayout(
      pageCount: pages.byteCount / xenPageByteCount, slotByteCount: slotByteCount)
    let cursor = try BackRingCursor(attachingTo: pages, layout: layout)
    self.cursor = cursor
    self.pages = pages
  }

  /// Slot size and count.
  public var layout: RingLayout { cursor.layout }
  /// The next request to take.
  public var requestConsumer: RingIndex { cursor.requestConsumer }
  /// The next response to publish.
  public var responseProducer: RingIndex { cursor.responseProducer }
  /// Requests taken and not answered.
  public var inFlightCount: UInt32 { cursor.inFlightCount }

  /// Copies the next request to the start of `slot` (at least the layout's slot size) and consumes
  /// it.
  ///
  /// - Returns: false when there is none.
  /// - Throws: when the producer index cannot be; the ring must not be used any more.
  public mutating func takeRequest(
    into slot: inout MutableRawSpan
  ) throws(RingViolation) -> Bool {
    guard let index = try cursor.consume(pages) else { return false }
    pages.copyOut(
      from: layout.slotOffset(of: index), byteCount: layout.slotByteCount, into: &slot)
    return true
  }

  /// Copies the slot `distance` behind the next request to the start of `slot`, and takes nothing.
  ///
  /// For what the last backend may have left there. `distance` is less than
  /// ``waitingRequestCount()`` was.
  public func copyWaitingRequest(at distance: UInt32, into slot: inout MutableRawSpan) {
    pages.copyOut(
      from: layout.slotOffset(of: requestConsumer.advanced(by: distance)),
      byteCount: layout.slotByteCount, into: &slot)
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
    cursor.advanceProducer()
  }

  /// Shows the peer everything that was staged.
  public mutating func pushStaged() { cursor.pushProducer(pages) }

  /// Whether the peer asked for an event on any response published since the last call
  /// (`RING_PUSH_RESPONSES_AND_CHECK_NOTIFY`, once for a whole batch).
  ///
  /// An event that nobody asked for costs a guest an EOI delay (XSA-391 hardening).
  public mutating func takeNotifyDecision() -> Bool { cursor.takeNotifyDecision(pages) }

  /// Asks for an event when the next request comes, then looks once more
  /// (`RING_FINAL_CHECK_FOR_REQUESTS`).
  ///
  /// - Parameter count: how many waiting requests there have to be for the owner to go on.
  /// - Returns: true when there are as many, so that sleeping now would miss them.
  public mutating func armRequestEvent(needing count: UInt32 = 1) throws(RingViolation) -> Bool {
    try cursor.armRequestEvent(pages, needing: count)
  }

  /// Requests that wait in the ring, checked against what can be.
  ///
  /// Everything between `rsp_prod` and `req_prod` occupies a slot, so the distance is at most the
  /// number of slots; and the frontend never takes a request back, so it is at least what we hold.
  public func waitingRequestCount() throws(RingViolation) -> UInt32 {
    try cursor.waitingRequestCount(pages)
  }
}
