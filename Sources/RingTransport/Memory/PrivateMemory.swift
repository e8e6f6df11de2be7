internal import Glibc
public import SystemPackage

/// Page-aligned memory of this process alone: the source or destination of grant copies and of
/// direct I/O. Touched lazily, so an idle device costs address space only.
///
/// That of a status page outlives the process, and becomes its successor's.
///
/// Handed between threads only as a whole.
@safe public struct PrivateMemory: ~Copyable {
  private let base: UnsafeMutableRawPointer
  /// The size in bytes.
  public let byteCount: Int
  /// Whose buffer it is; nil for a mapping of its own.
  private let page: StatusPage?

  /// Reserves `byteCount` zeroed bytes (`mmap`, anonymous).
  public init(byteCount: Int) throws(Errno) {
    // SAFETY: an anonymous mapping with no address hint touches nothing that exists.
    let mapping = unsafe mmap(
      nil, byteCount, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
    guard let mapping = unsafe mapping, unsafe mapping != MAP_FAILED else {
      throw Errno(rawValue: errno)
    }
    unsafe self.base = mapping
    self.byteCount = byteCount
    page = nil
  }

  /// A buffer of a device's status page, of ``StatusLayout/bufferByteCount`` bytes. It holds what
  /// the process before this one has left there, or whoever had taken that process over.
  ///
  /// At most one instance for a buffer is in use at a time.
  public init(_ buffer: StatusBuffer) {
    // SAFETY: the buffer has this size, and lives as long as the page, which is held.
    unsafe base = buffer.page.address(ofBuffer: buffer.index)
    byteCount = StatusLayout.bufferByteCount
    page = buffer.page
  }

  deinit {
    // SAFETY: the only owner unmaps exactly what it mapped. A buffer is the page's to unmap.
    if page == nil { unsafe _ = munmap(base, byteCount) }
  }

  /// The bytes, to read.
  public var bytes: RawSpan {
    @_lifetime(borrow self) get {
      // SAFETY: the mapping lives as long as `self`, or its page, which the span borrows.
      unsafe _overrideLifetime(RawSpan(_unsafeStart: base, byteCount: byteCount), borrowing: self)
    }
  }

  /// The bytes, to write.
  public var mutableBytes: MutableRawSpan {
    @_lifetime(&self) mutating get {
      // SAFETY: the mapping lives as long as `self`, which the span holds exclusively.
      unsafe _overrideLifetime(
        MutableRawSpan(_unsafeStart: base, byteCount: byteCount), mutating: &self)
    }
  }

  /// Some of the bytes, to write. A range outside the memory traps.
  @_lifetime(&self)
  public mutating func mutableBytes(_ range: Range<Int>) -> MutableRawSpan {
    // SAFETY: `address` checks the range; the span holds `self` exclusively, as above.
    unsafe _overrideLifetime(
      MutableRawSpan(
        _unsafeStart: address(of: range.lowerBound, byteCount: range.count),
        byteCount: range.count), mutating: &self)
  }

  /// The address of `byteCount` bytes at `offset`, for system calls that take one. The memory must
  /// outlive what the kernel does with it.
  @unsafe public func address(of offset: Int, byteCount count: Int) -> UnsafeMutableRawPointer {
    precondition(offset >= 0 && count >= 0 && count <= byteCount && offset <= byteCount - count)
    // SAFETY: in bounds of the mapping.
    return unsafe base + offset
  }
}
