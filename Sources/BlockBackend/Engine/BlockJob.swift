import RingTransport

/// Why a request is answered without being done.
enum BlockRefusal: Error, Sendable, Equatable {
  /// The request breaks a rule of the protocol or of this disk.
  case invalid
  /// The request asks for something that is not offered.
  case notSupported

  /// What the response says.
  var status: BlockStatus { self == .invalid ? .error : .notSupported }
}

/// A request that passed judgement: what to do, in bytes of the target.
///
/// All rules of `xen/io/blkif.h` that do not need the indirect page are checked here, in one place.
struct BlockJob: Sendable {
  var kind: StorageOperation.Kind
  var writesAfterFlush = false
  var flushesAfterWrite = false
  /// Served alone: all requests before it are answered, and no later one is begun.
  var isBarrier = false
  var byteOffset: UInt64 = 0
  /// Zero while an indirect request's segments are unknown, and for a flush.
  var byteCount: UInt64 = 0
  /// The first wire sector, kept for the check of an indirect request's range.
  var sector: UInt64 = 0
  var segmentCount = 0
  var isIndirect = false
  var segmentPage = GrantReference(rawValue: 0)
  /// Pages of the buffer that the job needs: one for each segment, and for an indirect one the
  /// last, which holds the segments.
  var pageCount = 0

  /// Judges a request.
  ///
  /// - Parameter slot: our copy of the slot that the request was decoded from.
  init(
    judging request: BlockRequest, in slot: RawSpan, abi: BlockABI,
    against geometry: BlockGeometry
  ) throws(BlockRefusal) {
    switch request.body {
    case .direct(let operation, let sector, let segmentCount):
      self = try Self.direct(operation, sector, segmentCount, slot, abi, geometry)
    case .indirect(let operation, let sector, let segmentCount, let pages):
      self = try Self.indirect(operation, sector, segmentCount, pages, geometry)
    case .discard(let sector, let sectorCount, let secure):
      self = try Self.discard(sector, sectorCount, secure, geometry)
    case .unknown:
      throw .notSupported
    }
  }

  private init(_ kind: StorageOperation.Kind) {
    self.kind = kind
  }

  private static func direct(
    _ operation: BlockOperation, _ sector: UInt64, _ segmentCount: Int,
    _ slot: RawSpan, _ abi: BlockABI, _ geometry: BlockGeometry
  ) throws(BlockRefusal) -> BlockJob {
    guard segmentCount <= BlockLimits.directSegments else { throw .invalid }
    if operation == .flush, segmentCount == 0 { return BlockJob(.flush) }
    if geometry.isReadOnly, operation != .read { throw .invalid }
    if operation == .writeBarrier, segmentCount == 0 {
      var job = BlockJob(.flush)
      job.isBarrier = true
      return job
    }
    guard segmentCount > 0 else { throw .invalid }
    var sectorCount: UInt64 = 0
    for index in 0..<segmentCount {
      let segment = BlockSegment(index, ofSlot: slot, abi: abi)
      guard segment.isValid else { throw .invalid }
      sectorCount += UInt64(segment.sectorCount)
    }
    guard let range = geometry.byteRange(sector: sector, sectorCount: sectorCount) else {
      throw .invalid
    }
    var job = BlockJob(operation == .read ? .read : operation == .write ? .write : .flush)
    job.isBarrier = operation == .writeBarrier
    job.writesAfterFlush = job.kind == .flush
    job.flushesAfterWrite = job.isBarrier
    (job.byteOffset, job.byteCount) = range
    job.segmentCount = segmentCount
    job.pageCount = segmentCount
    return job
  }

  private static func indirect(
    _ operation: BlockOperation, _ sector: UInt64, _ segmentCount: Int,
    _ pages: InlineArray<8, GrantReference>, _ geometry: BlockGeometry
  ) throws(BlockRefusal) -> BlockJob {
    guard segmentCount > 0, segmentCount <= BlockLimits.indirectSegments else { throw .invalid }
    if geometry.isReadOnly, operation.mutates { throw .invalid }
    guard geometry.byteRange(sector: sector, sectorCount: 0) != nil else { throw .invalid }
    var job = BlockJob(operation == .read ? .read : .write)
    job.sector = sector
    job.segmentCount = segmentCount
    job.isIndirect = true
    job.segmentPage = pages[0]
    job.pageCount = segmentCount + 1
    return job
  }

  private static func discard(
    _ sector: UInt64, _ sectorCount: UInt64, _ secure: Bool, _ geometry: BlockGeometry
  ) throws(BlockRefusal) -> BlockJob {
    if geometry.isReadOnly { throw .invalid }
    guard geometry.discard != nil, !secure else { throw .notSupported }
    guard sectorCount > 0,
      let range = geometry.byteRange(sector: sector, sectorCount: sectorCount)
    else { throw .invalid }
    var job = BlockJob(.discard)
    (job.byteOffset, job.byteCount) = range
    return job
  }
}
