/// The backend's end of a ring whose requests end in any order, and of which a crash loses none.
///
/// After the death of its process or of the whole driver domain at any moment, every slot from
/// `rsp_prod` to `req_prod` holds exactly one unanswered request, once the next instance is
/// attached: it serves them all again. A request is executed at least once and answered exactly
/// once. ``RingJournal`` says how.
///
/// Nothing outside these slots is ever written but the record in the header: some frontends keep
/// identifiers in free slots. One thread uses an instance.
public struct JournaledRing: ~Copyable {
  private let pages: SharedPages
  private var state: JournaledRingState

  /// Attaches to a ring where its last backend left it, and finishes what that one had begun.
  ///
  /// - Parameters:
  ///   - responseByteCount: size of every response in bytes, padding included; at most 32.
  ///   - isInOrder: whether responses keep the order of their requests, for frontends that take no
  ///     other (old OpenBSD): a response then waits for all before it. The record is needed all the
  ///     same, since a response destroys its own request before `rsp_prod` moves.
  /// - Throws: when the shared indices contradict each other.
  public init(
    attachingTo pages: consuming SharedPages, slotByteCount: Int, responseByteCount: Int,
    isInOrder: Bool = false
  ) throws(RingViolation) {
    let layout = RingLayout(
      pageCount: pages.byteCount / xenPageByteCount, slotByteCount: slotByteCount)
    let state = try JournaledRingState(
      attachingTo: pages, layout: layout, responseByteCount: responseByteCount,
      isInOrder: isInOrder)
    self.state = state
    self.pages = pages
  }

  /// Slot size and count.
  public var layout: RingLayout { state.cursor.layout }
  /// Requests taken and not published.
  public var inFlightCount: UInt32 { state.cursor.inFlightCount }
  /// Whether attaching completed a response that a dead backend had begun to publish.
  public var hasRecovered: Bool { state.hasRecovered }

  /// The first byte of the next request, which says what it is in every protocol, without taking
  /// it; nil when there is no request. The peer may still change it.
  ///
  /// - Throws: as ``takeRequest()``.
  public func nextRequestByte() throws(RingViolation) -> UInt8? {
    try state.nextRequestByte(pages)
  }

  /// Takes the next request: copies it out, once.
  ///
  /// - Returns: its ticket, below the number of slots, which is its own until it is completed; nil
  ///   when there is no request.
  /// - Throws: when the producer index cannot be; the ring must not be used any more.
  public mutating func takeRequest() throws(RingViolation) -> Int? {
    try state.takeRequest(pages)
  }

  /// A taken request's bytes, a slot of them, as they were when it was taken.
  @_lifetime(borrow self)
  public func request(_ ticket: Int) -> RawSpan { state.request(ticket) }

  /// Publishes the response to a taken request, which must have been executed: the peer may see it
  /// at once. In order, it may have to wait for others.
  public mutating func complete(_ ticket: Int, with response: RawSpan) {
    state.complete(ticket, with: response, pages)
  }

  /// See ``BackRing/takeNotifyDecision()``.
  public mutating func takeNotifyDecision() -> Bool { state.takeNotifyDecision(pages) }

  /// See ``BackRing/armRequestEvent(needing:)``.
  public mutating func armRequestEvent() throws(RingViolation) -> Bool {
    try state.armRequestEvent(pages)
  }
}
