public import CXen

/// Copies between granted pages of other domains and our own memory, each in a place of its own: an
/// array of what the grant device takes (`struct gntdev_grant_copy_segment`, `xen/gntdev.h`).
///
/// Its memory does not move, so the kernel may read it later. No allocation after `init`. One
/// thread.
@safe public struct GrantCopyTable: ~Copyable {
  private let segments: UnsafeMutablePointer<xengnttab_grant_copy_segment_t>
  /// How many places there are.
  public let capacity: Int

  /// Makes a table of `capacity` places with nothing in them.
  public init(capacity: Int) {
    precondition(capacity > 0)
    self.capacity = capacity
    unsafe segments = .allocate(capacity: capacity)
    // SAFETY: fresh memory of exactly this capacity.
    unsafe segments.initialize(repeating: .init(), count: capacity)
  }

  deinit {
    // SAFETY: allocated in `init`, trivially destructible, no other owner.
    unsafe segments.deallocate()
  }

  /// Puts a copy from a granted page into our memory at a place.
  ///
  /// - Parameters:
  ///   - reference: the page, granted by `domain`.
  ///   - pageOffset: where in the page; `pageOffset + byteCount` is at most ``xenPageByteCount``.
  ///   - memory: our memory; it must stay alive until the copy has been made.
  public mutating func setCopy(
    at index: Int, from reference: GrantReference, of domain: DomainIdentifier, pageOffset: Int,
    byteCount: Int, to memory: borrowing PrivateMemory, at offset: Int
  ) {
    // SAFETY: `address` checks that the range lies in `memory`.
    unsafe set(
      index, granted(reference, domain, pageOffset, byteCount),
      .init(virt: memory.address(of: offset, byteCount: byteCount)),
      byteCount: byteCount, intoGrant: false)
  }

  /// Puts a copy from our memory into a granted page at a place. Parameters as in the other
  /// direction.
  public mutating func setCopy(
    at index: Int, from memory: borrowing PrivateMemory, at offset: Int, byteCount: Int,
    to reference: GrantReference, of domain: DomainIdentifier, pageOffset: Int
  ) {
    // SAFETY: `address` checks that the range lies in `memory`.
    unsafe set(
      index, granted(reference, domain, pageOffset, byteCount),
      .init(virt: memory.address(of: offset, byteCount: byteCount)),
      byteCount: byteCount, intoGrant: true)
  }

  /// Puts the copies in `range` of another table at places from `index` on.
  mutating func setCopies(
    at index: Int, from other: borrowing GrantCopyTable, _ range: Range<Int>
  ) {
    precondition(range.lowerBound >= 0 && range.upperBound <= other.capacity)
    precondition(index >= 0 && index <= capacity - range.count, "the owner asks for room first")
    // SAFETY: both ranges are in bounds, and of initialised segments without owners of their own.
    unsafe (segments + index).update(from: other.segments + range.lowerBound, count: range.count)
  }

  /// Whether the copy at a place has been made (`GNTST_okay`).
  public func succeeded(_ index: Int) -> Bool {
    precondition(index >= 0 && index < capacity)
    // SAFETY: in bounds of the initialised segments.
    return unsafe segments[index].status == Int16(GNTST_okay)
  }

  /// Hands the copies in `range` to whoever makes them: the hypervisor, or its simulation.
  public func withSegments<Failure: Error>(
    _ range: Range<Int>,
    _ body: (UnsafeMutableBufferPointer<xengnttab_grant_copy_segment_t>) throws(Failure) -> Void
  ) throws(Failure) {
    precondition(range.lowerBound >= 0 && range.upperBound <= capacity)
    // SAFETY: in bounds of the initialised segments, which live as long as `self`.
    try unsafe body(.init(start: segments + range.lowerBound, count: range.count))
  }

  private func granted(
    _ reference: GrantReference, _ domain: DomainIdentifier, _ pageOffset: Int, _ byteCount: Int
  ) -> xengnttab_copy_ptr {
    precondition(pageOffset >= 0 && byteCount > 0 && pageOffset + byteCount <= xenPageByteCount)
    // SAFETY: fills the member that the direction flag will name.
    return unsafe .init(
      foreign: .init(
        ref: reference.rawValue, offset: UInt16(pageOffset), domid: domain.rawValue))
  }

  private mutating func set(
    _ index: Int, _ granted: xengnttab_copy_ptr, _ local: xengnttab_copy_ptr, byteCount: Int,
    intoGrant: Bool
  ) {
    precondition(index >= 0 && index < capacity, "the owner asks for room first")
    // SAFETY: in bounds of the initialised segments; the flag says which side is the grant. The
    // status stands for anything but okay, should the copy never be made.
    unsafe segments[index] = .init(
      source: intoGrant ? local : granted,
      dest: intoGrant ? granted : local,
      len: UInt16(byteCount),
      flags: UInt16(intoGrant ? GNTCOPY_dest_gref : GNTCOPY_source_gref),
      status: Int16(GNTST_general_error))
  }
}
