import RingTransport

/// One store into a shared page: an aligned word, or bytes of which anything may have arrived.
package struct PageStore: Hashable, Sendable {
  /// Where in the page, in bytes.
  package var offset: Int
  package var bytes: [UInt8]
}

/// A ring's page of which the code under test sees a fixed state, while its stores are collected in
/// their order, to be applied one by one, up to any of them.
///
/// A copy of several bytes becomes two stores: first nonsense everywhere, then the bytes. No
/// torn state is worse than that.
package final class LoggedPage: RingMemory {
  private let bytes: [UInt8]
  /// How the code under test is spoilt.
  private let fault: JournalFault?
  package private(set) var stores: [PageStore] = []
  /// Loads after the first store: the code would have to be interrupted there as well.
  package private(set) var lateLoadCount = 0

  /// A page that holds these bytes.
  package init(_ bytes: [UInt8], fault: JournalFault?) {
    self.bytes = bytes
    self.fault = fault
  }

  package func loadAcquiring(at offset: Int) -> UInt32 {
    precondition(offset % 4 == 0)
    return bytes.word(at: offset)
  }

  package func loadDoubleAcquiring(at offset: Int) -> UInt64 {
    precondition(offset % 8 == 0)
    if !stores.isEmpty { lateLoadCount += 1 }
    let value = UInt64(bytes.word(at: offset)) | UInt64(bytes.word(at: offset + 4)) << 32
    return fault?.spoilt(load: value) ?? value
  }

  package func storeReleasing(_ value: UInt32, at offset: Int) {
    precondition(offset % 4 == 0)
    stores.append(PageStore(offset: offset, bytes: littleEndian(value)))
  }

  package func storeDoubleReleasing(_ value: UInt64, at offset: Int) {
    precondition(offset % 8 == 0)
    stores.append(PageStore(offset: offset, bytes: littleEndian(value)))
  }

  package func copyOut(
    from offset: Int, byteCount count: Int, into destination: inout MutableRawSpan
  ) {
    // A copy is only made of what no store before it has touched.
    let range = offset..<(offset + count)
    if stores.contains(where: { range.overlaps($0.offset..<($0.offset + $0.bytes.count)) }) {
      lateLoadCount += 1
    }
    for index in 0..<count { destination.store(bytes[offset + index], at: index) }
  }

  package func copyIn(_ source: RawSpan, to offset: Int) {
    let count = source.byteCount
    stores.append(PageStore(offset: offset, bytes: [UInt8](repeating: 0xee, count: count)))
    let bytes = (0..<count).map { source.load(UInt8.self, at: $0) }
    stores.append(PageStore(offset: offset, bytes: bytes))
  }

  private func littleEndian<Word: FixedWidthInteger>(_ value: Word) -> [UInt8] {
    (0..<(Word.bitWidth / 8)).map { UInt8(truncatingIfNeeded: value >> Word($0 * 8)) }
  }
}

extension [UInt8] {
  /// The little-endian 32-bit word at `offset`.
  func word(at offset: Int) -> UInt32 {
    UInt32(self[offset]) | UInt32(self[offset + 1]) << 8 | UInt32(self[offset + 2]) << 16
      | UInt32(self[offset + 3]) << 24
  }
}
