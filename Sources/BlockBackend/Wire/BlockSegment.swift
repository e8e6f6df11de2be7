import RingTransport

/// A piece of a guest's page that a request reads into or writes from
/// (`struct blkif_request_segment`): sectors `first...last` of 512 bytes each.
struct BlockSegment: Sendable, BitwiseCopyable {
  var reference = GrantReference(rawValue: 0)
  var firstSector: UInt8 = 0
  var lastSector: UInt8 = 0

  /// Reads a segment of the wire layout (8 bytes: reference, first, last, padding) at `offset`.
  init(in bytes: RawSpan, at offset: Int) {
    reference = GrantReference(rawValue: bytes.load(UInt32.self, at: offset))
    firstSector = bytes.load(UInt8.self, at: offset + 4)
    lastSector = bytes.load(UInt8.self, at: offset + 5)
  }

  /// Reads a segment of a direct request out of the copy of its slot, which has room for eleven.
  init(_ index: Int, ofSlot slot: RawSpan, abi: BlockABI) {
    self.init(in: slot, at: abi.payloadOffset + index * BlockLimits.segmentByteCount)
  }

  init() {}

  /// Whether the sectors are in order and inside one page.
  var isValid: Bool {
    firstSector <= lastSector && Int(lastSector) < BlockLimits.sectorsPerPage
  }

  /// Where in the page the data begins, in bytes.
  var pageOffset: Int { Int(firstSector) * BlockLimits.sectorByteCount }

  /// Sectors covered. Meaningful only when ``isValid``.
  var sectorCount: Int { Int(lastSector) - Int(firstSector) + 1 }

  /// Size in bytes. Meaningful only when ``isValid``.
  var byteCount: Int { sectorCount * BlockLimits.sectorByteCount }
}
