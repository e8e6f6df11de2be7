internal import CXen

/// The operations of the block protocol that the suite serves (`BLKIF_OP_*` in `xen/io/blkif.h`).
enum BlockOperation: UInt8, Sendable {
  case read = 0
  case write = 1
  case writeBarrier = 2
  case flush = 3
  case discard = 5
  case indirect = 6

  /// Whether serving it can change the target. One gate for all of them keeps a read-only disk
  /// read-only (CVE-2013-2140: discard was forgotten).
  var mutates: Bool {
    switch self {
    case .read, .flush, .indirect: false
    case .write, .writeBarrier, .discard: true
    }
  }
}

/// A response's status (`BLKIF_RSP_*`).
enum BlockStatus: Int16, Sendable {
  case okay = 0
  case error = -1
  case notSupported = -2
}

/// The protocol's limits (`xen/io/blkif.h`).
enum BlockLimits {
  /// `BLKIF_MAX_SEGMENTS_PER_REQUEST`.
  static let directSegments = 11
  /// `BLKIF_MAX_INDIRECT_PAGES_PER_REQUEST`.
  static let indirectPages = 8
  /// Size of a segment in an indirect page (`struct blkif_request_segment`), in bytes.
  static let segmentByteCount = 8
  /// Segments that fit in an indirect page.
  static let segmentsPerIndirectPage = 4096 / segmentByteCount
  /// What we offer as `feature-max-indirect-segments`: 1 MiB a request, as Linux blkback does. One
  /// indirect page holds them.
  static let indirectSegments = 256
  /// The unit of sector numbers on the wire, in bytes, whatever `sector-size` says.
  static let sectorByteCount = 512
  /// Sectors in a page: `last_sect` of a segment is below it.
  static let sectorsPerPage = 8
}
