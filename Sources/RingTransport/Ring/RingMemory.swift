/// All that an end of a ring does to the pages it shares.
///
/// A seam: ``SharedPages`` in programs, where the compiler specialises it away; in tests a page of
/// which every single store can be the last one that a backend made.
package protocol RingMemory: ~Copyable {
  /// Reads the aligned 32-bit word at `offset`; what the peer wrote before it is visible after.
  func loadAcquiring(at offset: Int) -> UInt32

  /// Reads the aligned 64-bit word at `offset`, as one.
  func loadDoubleAcquiring(at offset: Int) -> UInt64

  /// Writes the aligned 32-bit word at `offset`; what was written before it is visible to whoever
  /// sees it.
  func storeReleasing(_ value: UInt32, at offset: Int)

  /// Writes the aligned 64-bit word at `offset`, as one.
  func storeDoubleReleasing(_ value: UInt64, at offset: Int)

  /// Copies bytes out, each read exactly once.
  func copyOut(
    from offset: Int, byteCount count: Int, into destination: inout MutableRawSpan)

  /// Copies bytes in. Not ordered with other accesses.
  func copyIn(_ source: RawSpan, to offset: Int)
}

extension SharedPages: RingMemory {}
