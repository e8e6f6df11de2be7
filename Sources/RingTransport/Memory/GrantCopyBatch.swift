public import CXen

/// Copies between granted pages of other domains and our own memory, collected and then run in one
/// call (`IOCTL_GNTDEV_GRANT_COPY`; the kernel makes one hypercall of 16 operations each).
///
/// Each operation has its own outcome, because each reference is the word of a frontend: a wrong
/// one fails alone. No allocation after `init`. One thread.
@safe public struct GrantCopyBatch: ~Copyable {
  private let segments: UnsafeMutablePointer<xengnttab_grant_copy_segment_t>
  /// How many operations fit.
  public let capacity: Int
  /// How many operations are collected.
  public private(set) var count = 0

  /// Makes an empty batch for up to `capacity` operations.
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

  /// How many more operations fit.
  public var room: Int { capacity - count }

  /// Adds a copy from a granted page into our memory.
  ///
  /// - Parameters:
  ///   - reference: the page, granted by `domain`.
  ///   - pageOffset: where in the page; `pageOffset + byteCount` is at most ``xenPageByteCount``.
  ///   - memory: our memory; it must stay alive until the batch has run.
  public mutating func appendCopy(
    from reference: GrantReference, of domain: DomainIdentifier, pageOffset: Int, byteCount: Int,
    to memory: borrowing PrivateMemory, at offset: Int
  ) {
    // SAFETY: `address` checks that the range lies in `memory`.
    unsafe append(
      granted(reference, domain, pageOffset, byteCount),
      .init(virt: memory.address(of: offset, byteCount: byteCount)),
      byteCount: byteCount, intoGrant: false)
  }

  /// Adds a copy from our memory into a granted page. Parameters as in the other direction.
  public mutating func appendCopy(
    from memory: borrowing PrivateMemory, at offset: Int, byteCount: Int,
    to reference: GrantReference, of domain: DomainIdentifier, pageOffset: Int
  ) {
    // SAFETY: `address` checks that the range lies in `memory`.
    unsafe append(
      granted(reference, domain, pageOffset, byteCount),
      .init(virt: memory.address(of: offset, byteCount: byteCount)),
      byteCount: byteCount, intoGrant: true)
  }

  /// Whether operation `index` of the last run succeeded (`GNTST_okay`).
  public func succeeded(_ index: Int) -> Bool {
    precondition(index >= 0 && index < count)
    // SAFETY: in bounds of the initialised segments.
    return unsafe segments[index].status == Int16(GNTST_okay)
  }

  /// Whether all operations in `range` of the last run succeeded.
  public func succeeded(in range: Range<Int>) -> Bool {
    for index in range where !succeeded(index) { return false }
    return true
  }

  /// Forgets all operations.
  public mutating func removeAll() {
    count = 0
  }

  /// Hands the collected operations to whoever runs them: the hypervisor, or its simulation.
  public mutating func withSegments<Failure: Error>(
    _ body: (UnsafeMutableBufferPointer<xengnttab_grant_copy_segment_t>) throws(Failure) -> Void
  ) throws(Failure) {
    // SAFETY: `count` segments are initialised; the pointer is valid for the call.
    try unsafe body(.init(start: segments, count: count))
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

  private mutating func append(
    _ granted: xengnttab_copy_ptr, _ local: xengnttab_copy_ptr, byteCount: Int, intoGrant: Bool
  ) {
    precondition(count < capacity, "the owner asks for room first")
    // SAFETY: in bounds of the initialised segments; the flag says which side is the grant. The
    // status stands for anything but okay, should the operation never be run.
    unsafe segments[count] = .init(
      source: intoGrant ? local : granted,
      dest: intoGrant ? granted : local,
      len: UInt16(byteCount),
      flags: UInt16(intoGrant ? GNTCOPY_dest_gref : GNTCOPY_source_gref),
      status: Int16(GNTST_general_error))
    count += 1
  }
}
