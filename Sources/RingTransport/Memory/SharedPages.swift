internal import CLinux
internal import Synchronization

/// Pages of another domain, mapped contiguously into this process; unmapped when the owner goes.
///
/// The other domain may change every byte at any moment. So there is no view of the bytes as a
/// `Span`: single words go through atomics, anything longer is copied out once and then judged.
/// All offsets are in bytes and are ours, not the peer's: a wrong one is our own bug and traps.
///
/// One thread at a time uses an instance; the peer's accesses are what the atomics are for.
@safe public struct SharedPages: ~Copyable {
  private let base: UnsafeMutableRawPointer
  /// The size of the mapping in bytes, a multiple of ``xenPageByteCount``.
  public let byteCount: Int
  private let release: (UnsafeMutableRawPointer, Int) -> Void

  /// Takes over a mapping.
  ///
  /// - Parameters:
  ///   - base: page-aligned start of `byteCount` readable and writable bytes, valid until
  ///     `release`.
  ///   - byteCount: the size of the mapping in bytes.
  ///   - release: called once, with `base` and `byteCount`, when the mapping is to be undone.
  public init(
    unsafeBase base: UnsafeMutableRawPointer, byteCount: Int,
    release: @escaping (UnsafeMutableRawPointer, Int) -> Void
  ) {
    // SAFETY: only stored; the caller vouches for the mapping's extent and life.
    unsafe self.base = base
    self.byteCount = byteCount
    unsafe self.release = release
  }

  deinit {
    // SAFETY: the last use of the mapping, by its only owner.
    unsafe release(base, byteCount)
  }

  /// Reads the aligned 32-bit word at `offset`; what the peer wrote before it is visible after.
  public func loadAcquiring(at offset: Int) -> UInt32 {
    // SAFETY: `word` checked bounds and alignment; Atomic<UInt32> has the layout of UInt32.
    unsafe word(at: offset).pointee.load(ordering: .acquiring)
  }

  /// Writes the aligned 32-bit word at `offset`; what we wrote before it is visible to the peer.
  public func storeReleasing(_ value: UInt32, at offset: Int) {
    // SAFETY: as in `loadAcquiring`.
    unsafe word(at: offset).pointee.store(value, ordering: .releasing)
  }

  /// Reads the aligned 64-bit word at `offset` as one; what was written before it is visible after.
  package func loadDoubleAcquiring(at offset: Int) -> UInt64 {
    // SAFETY: `double` checked bounds and alignment; Atomic<UInt64> has the layout of UInt64.
    unsafe double(at: offset).pointee.load(ordering: .acquiring)
  }

  /// Writes the aligned 64-bit word at `offset` as one; what we wrote before it is visible to
  /// whoever sees it.
  package func storeDoubleReleasing(_ value: UInt64, at offset: Int) {
    // SAFETY: as in `loadDoubleAcquiring`.
    unsafe double(at: offset).pointee.store(value, ordering: .releasing)
  }

  /// Copies `count` bytes from `offset` out of the shared pages to the start of `destination`,
  /// reading each byte exactly once.
  public func copyOut(
    from offset: Int, byteCount count: Int, into destination: inout MutableRawSpan
  ) {
    precondition(offset >= 0 && count >= 0 && count <= byteCount && offset <= byteCount - count)
    precondition(count <= destination.byteCount)
    // SAFETY: both ranges were checked above; source and destination cannot overlap, since no span
    // of the shared pages is ever handed out.
    unsafe destination.withUnsafeMutableBytes { bytes in
      guard let target = bytes.baseAddress else { return }
      unsafe c_copy_once(target, base + offset, count)
    }
  }

  /// Copies all of `source` to `offset` in the shared pages. Not ordered with other accesses: a
  /// following ``storeReleasing(_:at:)`` makes it visible.
  public func copyIn(_ source: RawSpan, to offset: Int) {
    let count = source.byteCount
    precondition(offset >= 0 && count <= byteCount && offset <= byteCount - count)
    // SAFETY: as in `copyOut`.
    unsafe source.withUnsafeBytes { bytes in
      guard let start = bytes.baseAddress else { return }
      unsafe c_copy_once(base + offset, start, bytes.count)
    }
  }

  private func word(at offset: Int) -> UnsafeMutablePointer<Atomic<UInt32>> {
    precondition(offset >= 0 && offset % 4 == 0 && offset <= byteCount - 4)
    // SAFETY: in bounds and aligned; every access to these words goes through this type.
    return unsafe (base + offset).assumingMemoryBound(to: Atomic<UInt32>.self)
  }

  private func double(at offset: Int) -> UnsafeMutablePointer<Atomic<UInt64>> {
    precondition(offset >= 0 && offset % 8 == 0 && offset <= byteCount - 8)
    // SAFETY: in bounds and aligned; every access to these words goes through this type.
    return unsafe (base + offset).assumingMemoryBound(to: Atomic<UInt64>.self)
  }
}

/// Orders every store before it ahead of every store after it (`xen_wmb`). On x86, which does so by
/// itself, it only keeps the compiler from changing their order.
@inline(__always) func storeFence() {
  atomicMemoryFence(ordering: .releasing)
}

/// Orders every store before it ahead of every load after it, as the notification protocol of
/// `xen/io/ring.h` needs (`xen_mb`).
@inline(__always) func fullMemoryFence() {
  atomicMemoryFence(ordering: .sequentiallyConsistent)
}
