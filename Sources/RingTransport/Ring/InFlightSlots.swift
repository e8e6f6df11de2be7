/// The unanswered requests of a ring as their backend knows them: private copies, and which slot
/// each one's copy in the ring lies in.
///
/// A request is known by its *ticket*, a small number that stays the same while the request is
/// moved between slots. Allocates at first only.
package struct InFlightSlots: Hashable, Sendable {
  private let layout: RingLayout
  /// The requests' bytes, a slot's worth for each ticket.
  private var copies: [UInt8]
  /// Where in the ring each ticket's request lies. Meaningful for tickets in use.
  private var places: [RingIndex]
  /// The ticket of the request in each slot. Meaningful for slots in use.
  private var occupants: [Int]
  private var freeTickets: [Int]

  /// An empty table for a ring of this layout.
  package init(layout: RingLayout) {
    let count = Int(layout.slotCount)
    self.layout = layout
    copies = Array(repeating: 0, count: count * layout.slotByteCount)
    places = Array(repeating: .zero, count: count)
    occupants = Array(repeating: 0, count: count)
    freeTickets = Array((0..<count).reversed())
  }

  /// Takes the request at `place` of the ring in.
  ///
  /// - Returns: its ticket.
  mutating func admit<Memory: RingMemory & ~Copyable>(
    at place: RingIndex, from memory: borrowing Memory
  ) -> Int {
    guard let ticket = freeTickets.popLast() else {
      preconditionFailure("the cursor gives out no more requests than there are slots")
    }
    places[ticket] = place
    occupants[place.slot(in: layout.slotCount)] = ticket
    let (offset, byteCount) = (layout.slotOffset(of: place), layout.slotByteCount)
    var elements = copies.mutableSpan
    // SAFETY: the raw bytes of initialised integers; every bit pattern is one.
    var bytes = unsafe elements.mutableBytes
    var slot = bytes._mutatingExtracting((ticket * byteCount)..<((ticket + 1) * byteCount))
    memory.copyOut(from: offset, byteCount: byteCount, into: &slot)
    return ticket
  }

  /// The request's bytes as they were when it was taken.
  @_lifetime(borrow self)
  package func request(_ ticket: Int) -> RawSpan {
    let start = ticket * layout.slotByteCount
    // SAFETY: the raw bytes of initialised integers.
    return unsafe copies.span.bytes.extracting(start..<(start + layout.slotByteCount))
  }

  /// Where the request lies in the ring now.
  package func place(of ticket: Int) -> RingIndex { places[ticket] }

  /// The unanswered request at a place.
  package func ticket(at place: RingIndex) -> Int {
    occupants[place.slot(in: layout.slotCount)]
  }

  /// Notes that a request was moved.
  mutating func move(_ ticket: Int, to place: RingIndex) {
    places[ticket] = place
    occupants[place.slot(in: layout.slotCount)] = ticket
  }

  /// Forgets an answered request.
  mutating func release(_ ticket: Int) {
    freeTickets.append(ticket)
  }
}
