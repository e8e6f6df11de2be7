public import CXen

/// Copies between granted pages of other domains and our own memory, collected and then run in one
/// call (`IOCTL_GNTDEV_GRANT_COPY`; the kernel makes one hypercall of 16 operations each).
///
/// Each operation has its own outcome, because each reference is the word of a frontend: a wrong
/// one fails alone. No allocation after `init`. One thread.
public struct GrantCopyBatch: ~Copyable {
  private var table: GrantCopyTable
  /// How many operations are collected.
  public private(set) var count = 0

  /// Makes an empty batch for up to `capacity` operations.
  public init(capacity: Int) {
    table = GrantCopyTable(capacity: capacity)
  }

  /// How many operations fit.
  public var capacity: Int { table.capacity }

  /// How many more operations fit.
  public var room: Int { capacity - count }

  /// Adds a copy from a granted page into our memory; see ``GrantCopyTable``.
  public mutating func appendCopy(
    from reference: GrantReference, of domain: DomainIdentifier, pageOffset: Int, byteCount: Int,
    to memory: borrowing PrivateMemory, at offset: Int
  ) {
    table.setCopy(
      at: count, from: reference, of: domain, pageOffset: pageOffset, byteCount: byteCount,
      to: memory, at: offset)
    count += 1
  }

  /// Adds a copy from our memory into a granted page. Parameters as in the other direction.
  public mutating func appendCopy(
    from memory: borrowing PrivateMemory, at offset: Int, byteCount: Int,
    to reference: GrantReference, of domain: DomainIdentifier, pageOffset: Int
  ) {
    table.setCopy(
      at: count, from: memory, at: offset, byteCount: byteCount, to: reference, of: domain,
      pageOffset: pageOffset)
    count += 1
  }

  /// Adds the copies in `range` of a table.
  public mutating func append(_ copies: borrowing GrantCopyTable, _ range: Range<Int>) {
    table.setCopies(at: count, from: copies, range)
    count += range.count
  }

  /// Whether operation `index` of the last run succeeded (`GNTST_okay`).
  public func succeeded(_ index: Int) -> Bool {
    precondition(index < count)
    return table.succeeded(index)
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
    // SAFETY: the collected operations lie in the table.
    try unsafe table.withSegments(0..<count, body)
  }
}
