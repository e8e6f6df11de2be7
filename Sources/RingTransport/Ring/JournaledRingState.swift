/// A ``JournaledRing`` without its pages: a plain value, so that tests can copy it at any point.
package struct JournaledRingState: Hashable, Sendable {
  package private(set) var cursor: BackRingCursor
  private var inFlight: InFlightSlots
  private let responseByteCount: Int
  /// Whether responses wait for those before them.
  private let isInOrder: Bool
  /// In order: responses that wait, one for each ticket, and which there are.
  private var heldResponses: [UInt8] = []
  private var isHeld: [Bool] = []
  /// Whether attaching completed a response that a dead backend had begun.
  package let hasRecovered: Bool

  /// See ``JournaledRing/init(attachingTo:slotByteCount:responseByteCount:isInOrder:)``.
  package init<Memory: RingMemory & ~Copyable>(
    attachingTo memory: borrowing Memory, layout: RingLayout, responseByteCount: Int,
    isInOrder: Bool
  ) throws(RingViolation) {
    precondition(responseByteCount <= layout.slotByteCount)
    precondition(responseByteCount <= RingJournal.largestResponseByteCount)
    precondition(layout.slotCount <= RingJournal.largestSlotCount)
    var cursor = BackRingCursor(
      layout: layout,
      at: RingIndex(rawValue: memory.loadAcquiring(at: RingLayout.responseProducerOffset)))
    let outstanding = try cursor.waitingRequestCount(memory)
    hasRecovered = RingJournal.recover(
      memory, layout: layout, responseByteCount: responseByteCount,
      producer: cursor.responseProducer, outstanding: outstanding)
    if hasRecovered {
      cursor = BackRingCursor(layout: layout, at: cursor.responseProducer.advanced(by: 1))
    }
    self.cursor = cursor
    inFlight = InFlightSlots(layout: layout)
    self.responseByteCount = responseByteCount
    self.isInOrder = isInOrder
    if isInOrder {
      let count = Int(layout.slotCount)
      heldResponses = Array(repeating: 0, count: count * responseByteCount)
      isHeld = Array(repeating: false, count: count)
    }
  }

  /// See ``JournaledRing/nextRequestByte()``.
  package func nextRequestByte<Memory: RingMemory & ~Copyable>(
    _ memory: borrowing Memory
  ) throws(RingViolation) -> UInt8? {
    guard try cursor.waitingRequestCount(memory) > 0 else { return nil }
    // Slots are aligned to words, and the first byte of one is the lowest.
    let offset = cursor.layout.slotOffset(of: cursor.requestConsumer)
    return UInt8(truncatingIfNeeded: memory.loadAcquiring(at: offset))
  }

  /// See ``JournaledRing/takeRequest()``.
  package mutating func takeRequest<Memory: RingMemory & ~Copyable>(
    _ memory: borrowing Memory
  ) throws(RingViolation) -> Int? {
    guard let place = try cursor.consume(memory) else { return nil }
    return inFlight.admit(at: place, from: memory)
  }

  /// See ``JournaledRing/request(_:)``.
  @_lifetime(borrow self)
  package func request(_ ticket: Int) -> RawSpan { inFlight.request(ticket) }

  /// Where in the ring a taken request lies now.
  package func place(of ticket: Int) -> RingIndex { inFlight.place(of: ticket) }

  /// See ``JournaledRing/complete(_:with:)``.
  package mutating func complete<Memory: RingMemory & ~Copyable>(
    _ ticket: Int, with response: RawSpan, _ memory: borrowing Memory
  ) {
    precondition(response.byteCount == responseByteCount)
    guard isInOrder else { return publish(ticket, response, memory) }
    precondition(!isHeld[ticket], "one response for each request taken")
    if inFlight.place(of: ticket) == cursor.responseProducer {
      publish(ticket, response, memory)
    } else {
      isHeld[ticket] = true
      for offset in 0..<responseByteCount {
        heldResponses[ticket * responseByteCount + offset] =
          response.load(UInt8.self, at: offset)
      }
    }
    while cursor.inFlightCount > 0 {
      let oldest = inFlight.ticket(at: cursor.responseProducer)
      guard isHeld[oldest] else { return }
      isHeld[oldest] = false
      publishHeld(oldest, memory)
    }
  }

  /// See ``BackRing/takeNotifyDecision()``.
  package mutating func takeNotifyDecision<Memory: RingMemory & ~Copyable>(
    _ memory: borrowing Memory
  ) -> Bool {
    cursor.takeNotifyDecision(memory)
  }

  /// See ``BackRing/armRequestEvent(needing:)``.
  package func armRequestEvent<Memory: RingMemory & ~Copyable>(
    _ memory: borrowing Memory
  ) throws(RingViolation) -> Bool {
    try cursor.armRequestEvent(memory)
  }

  /// Publishes a response at `rsp_prod`, wherever its request lies.
  private mutating func publish<Memory: RingMemory & ~Copyable>(
    _ ticket: Int, _ response: RawSpan, _ memory: borrowing Memory
  ) {
    precondition(cursor.inFlightCount > 0, "one response for each request taken")
    let target = cursor.responseProducer
    let place = inFlight.place(of: ticket)
    let distance = place.distance(from: target)
    precondition(distance < cursor.inFlightCount, "one response for each request taken")
    RingJournal.begin(response, at: target, distance: distance, in: memory)
    if distance > 0 {
      let displaced = inFlight.ticket(at: target)
      // From our own copy: what the guest has made of the slot meanwhile is no concern of ours.
      RingJournal.move(
        inFlight.request(displaced), from: target, distance: distance, layout: cursor.layout,
        in: memory)
      inFlight.move(displaced, to: place)
    }
    RingJournal.answer(response, at: target, layout: cursor.layout, in: memory)
    cursor.advanceProducer()
    cursor.pushProducer(memory)
    inFlight.release(ticket)
  }

  private mutating func publishHeld<Memory: RingMemory & ~Copyable>(
    _ ticket: Int, _ memory: borrowing Memory
  ) {
    var response = InlineArray<32, UInt8>(repeating: 0)
    for offset in 0..<responseByteCount {
      response[offset] = heldResponses[ticket * responseByteCount + offset]
    }
    // SAFETY: the raw bytes of initialised integers.
    let bytes = unsafe response.span.bytes
    publish(ticket, bytes.extracting(first: responseByteCount), memory)
  }
}
