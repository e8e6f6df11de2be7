/// What a request is judged against.
struct BlockGeometry: Sendable, Equatable {
  /// Size of the target in bytes, a multiple of ``logicalSectorByteCount``.
  var capacityBytes: UInt64
  /// `sector-size`: the unit in which the target can be read and written, in bytes.
  var logicalSectorByteCount: Int = 512
  /// `physical-sector-size`: the unit in which it is best done, in bytes.
  var physicalSectorByteCount: Int = 512
  /// Whether writes and discards are refused.
  var isReadOnly = false
  /// What can be discarded, nil when nothing can or the administrator said no.
  var discard: Discard?

  /// A target's way of discarding, in bytes (`discard-granularity`, `discard-alignment`).
  struct Discard: Sendable, Equatable {
    var granularityBytes: UInt64
    var alignmentBytes: UInt64
  }

  /// Capacity in sectors of 512 bytes, as the `sectors` node and all sector numbers count.
  var sectorCount: UInt64 { capacityBytes / UInt64(BlockLimits.sectorByteCount) }

  /// The byte range of `sectorCount` wire sectors at `sector`, or nil unless it lies on the target
  /// and on whole logical sectors. Every number is the guest's.
  func byteRange(sector: UInt64, sectorCount count: UInt64) -> (offset: UInt64, count: UInt64)? {
    let (end, overflow) = sector.addingReportingOverflow(count)
    guard !overflow, end <= sectorCount else { return nil }
    // No overflow: both are at most the capacity now.
    let offset = sector * UInt64(BlockLimits.sectorByteCount)
    let byteCount = count * UInt64(BlockLimits.sectorByteCount)
    let unit = UInt64(logicalSectorByteCount)
    guard offset % unit == 0, byteCount % unit == 0 else { return nil }
    return (offset, byteCount)
  }
}
