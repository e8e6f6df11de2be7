/// The unanswered requests of a ring as their backend knows them: private copies, and which slot
/// each one's copy in the ring lies in.
///
/// A request is known by its *ticket*, a small number that stays the same while the request is
/// moved between slots. Allocates at first only.
package struct InFlightSlots: Hashable, Sendable {
  private let layout: RingLayout
  /// The requests' bytes, a slot's worth for each ticket.
  private var copies: [UInt8]
  /// Three lists of the same length in one array, so that a request looks once whether it is ours
  /// alone.
  private var table: [Row]
  /// How many tickets are free.
  private var freeCount: Int

  private struct Row: Hashable, Sendable {
    /// Where in the ring the request of the ticket with this row's number lies. Meaningful for
    /// tickets in use.
    var place = RingIndex.zero
    /// The ticket of the request in the slot with this row's number. Meaningful for slots in use.
    var occupant: Int32 = 0
    /// A free ticket, in the first ``freeCount`` rows.
    var freeTicket: Int32
  }

  /// An empty table for a ring of this layout.
  package init(layout: RingLayout) {
    let count = Int(layout.slotCount)
    self.layout = layout
    copies = Array(repeating: 0, count: count * layout.slotByteCount)
    table = (0..<count).reversed().map { Row(freeTicket: Int32($0)) }
    freeCount = count
  }

  /// Takes the request at `place` of the ring in.
  ///
  /// - Returns: its ticket.
  mutating func admit<Memory: RingMemory & ~Copyable>(
    at place: RingIndex, from memory: borrowing Memory
  ) -> Int {
    precondition(freeCount > 0, "the cursor gives out no more requests than there are slots")
    freeCount -= 1
    let ticket = Int(table[freeCount].freeTicket)
    move(ticket, to: place)
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
  package func place(of ticket: Int) -> RingIndex { table[ticket].place }

  /// The unanswered request at a place.
  package func ticket(at place: RingIndex) -> Int {
    Int(table[place.slot(in: layout.slotCount)].occupant)
  }

  /// Notes where a request lies now.
  mutating func move(_ ticket: Int, to place: RingIndex) {
    let slot = place.slot(in: layout.slotCount)
    var rows = table.mutableSpan
    rows[ticket].place = place
    rows[slot].occupant = Int32(truncatingIfNeeded: ticket)
  }

  /// Forgets an answered request.
  mutating func release(_ ticket: Int) {
    table[freeCount].freeTicket = Int32(ticket)
    freeCount += 1
  }
}
