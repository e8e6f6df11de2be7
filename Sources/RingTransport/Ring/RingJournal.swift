/// The record that makes a ring its own journal: which response is being published, and how far.
///
/// A response overwrites a request's slot. Requests end in any order, responses are published in
/// ring order; so to answer the request in slot j while `rsp_prod` is i, the unfinished request in
/// slot i is moved to j first. After a crash in between, the record tells the next backend how to
/// finish. It lies in the ring header's private bytes, which belong to the backend, so it survives
/// as long as the guest does, whatever happens to the driver domain.
///
/// Bytes of the header: 24..<32 the state word, 32..<64 the response. The state word,
/// little-endian: bits 0..<32 i, 32..<48 j - i, 48..<56 the phase, 56..<64 a mark, which also is
/// the version of this layout. Zero, which `SHARED_RING_INIT` leaves there, is no record. A record
/// is over once `rsp_prod` has passed its i; nobody clears it.
///
/// The order of the stores is the whole point; each is kept from passing the one before it.
package enum RingJournal {
  /// Byte offset of the state word.
  package static let stateOffset = 24
  /// Byte offset of the response.
  package static let responseOffset = 32
  /// Size of the longest response that can be recorded.
  package static let largestResponseByteCount = RingLayout.slotsOffset - responseOffset
  /// The most slots that a journaled ring can have: distances between them fit into 16 bits.
  package static let largestSlotCount: UInt32 = 1 << 16

  /// How far the publication of a response is.
  package enum Phase: UInt8, Sendable {
    /// Slot i is still a request; slot j may be torn.
    case prepared = 1
    /// Slot j is a request, or is slot i itself; slot i may be torn.
    case moved = 2
  }

  /// The state word.
  package struct State: Hashable, Sendable {
    /// i: where the response goes, `rsp_prod` at that time.
    package var target: RingIndex
    /// j - i: how far behind it the answered request lay.
    package var distance: UInt32
    /// How far it is.
    package var phase: Phase

    private static let mark: UInt64 = 0xb1

    package init(target: RingIndex, distance: UInt32, phase: Phase) {
      precondition(distance < RingJournal.largestSlotCount)
      self.target = target
      self.distance = distance
      self.phase = phase
    }

    /// Reads a word that a guest may have written; nil when it is no record of ours.
    package init?(rawValue: UInt64) {
      guard rawValue >> 56 == Self.mark,
        let phase = Phase(rawValue: UInt8(truncatingIfNeeded: rawValue >> 48))
      else { return nil }
      target = RingIndex(rawValue: UInt32(truncatingIfNeeded: rawValue))
      distance = UInt32(truncatingIfNeeded: rawValue >> 32) & 0xffff
      self.phase = phase
    }

    /// The word.
    package var rawValue: UInt64 {
      UInt64(target.rawValue) | UInt64(distance) << 32 | UInt64(phase.rawValue) << 48
        | Self.mark << 56
    }
  }

  /// Records that `response` is to be published at `target` for the request `distance` slots on.
  static func begin<Memory: RingMemory & ~Copyable>(
    _ response: RawSpan, at target: RingIndex, distance: UInt32, in memory: borrowing Memory
  ) {
    memory.copyIn(response, to: responseOffset)
    let phase: Phase = distance == 0 ? .moved : .prepared
    write(State(target: target, distance: distance, phase: phase), to: memory)
  }

  /// Moves the unfinished request of slot `target` out of the way, to `distance` slots on.
  static func move<Memory: RingMemory & ~Copyable>(
    _ request: RawSpan, from target: RingIndex, distance: UInt32, layout: RingLayout,
    in memory: borrowing Memory
  ) {
    memory.copyIn(request, to: layout.slotOffset(of: target.advanced(by: distance)))
    write(State(target: target, distance: distance, phase: .moved), to: memory)
  }

  /// Writes the response over slot `target`. What follows is the store of `rsp_prod`, a release.
  static func answer<Memory: RingMemory & ~Copyable>(
    _ response: RawSpan, at target: RingIndex, layout: RingLayout, in memory: borrowing Memory
  ) {
    memory.copyIn(response, to: layout.slotOffset(of: target))
  }

  /// Finishes what a dead backend had begun, if it had.
  ///
  /// The record is the guest's word by now: one that cannot be, since it names a slot without an
  /// unanswered request, is none. Nothing outside the `outstanding` slots from `producer` on is
  /// written. That the response is the guest's word too can only hurt the guest.
  ///
  /// - Parameters:
  ///   - producer: the shared `rsp_prod`.
  ///   - outstanding: requests without a response, at most the number of slots.
  /// - Returns: whether a response was completed, and `rsp_prod` moved on by one.
  static func recover<Memory: RingMemory & ~Copyable>(
    _ memory: borrowing Memory, layout: RingLayout, responseByteCount: Int,
    producer: RingIndex, outstanding: UInt32
  ) -> Bool {
    guard let state = State(rawValue: memory.loadDoubleAcquiring(at: stateOffset)),
      state.target == producer, state.distance < outstanding
    else { return false }
    var scratch = [UInt8](repeating: 0, count: layout.slotByteCount)
    if state.phase == .prepared, state.distance > 0 {
      var elements = scratch.mutableSpan
      // SAFETY: the raw bytes of initialised integers; every bit pattern is one.
      var bytes = unsafe elements.mutableBytes
      memory.copyOut(
        from: layout.slotOffset(of: producer), byteCount: layout.slotByteCount, into: &bytes)
      move(
        bytes.bytes, from: producer, distance: state.distance, layout: layout, in: memory)
    }
    var elements = scratch.mutableSpan
    // SAFETY: as above.
    var bytes = unsafe elements.mutableBytes
    memory.copyOut(from: responseOffset, byteCount: responseByteCount, into: &bytes)
    answer(
      bytes.bytes.extracting(first: responseByteCount), at: producer, layout: layout, in: memory)
    memory.storeReleasing(
      producer.advanced(by: 1).rawValue, at: RingLayout.responseProducerOffset)
    return true
  }

  /// Makes all stores before it visible before the state, and the state before all stores after it.
  private static func write<Memory: RingMemory & ~Copyable>(
    _ state: State, to memory: borrowing Memory
  ) {
    memory.storeDoubleReleasing(state.rawValue, at: stateOffset)
    storeFence()
  }
}
