import RingTransport

/// A request between the ring and its response: all that the engine remembers of it.
struct InFlightRequest: Sendable {
  /// What is being waited for.
  enum Phase: Sendable {
    /// Unused.
    case free
    /// The page of indirect segments is to be copied in.
    case fetchingSegments
    /// A write's data is to be copied in.
    case fetchingData
    /// At the target, or waiting for room there.
    case storage
    /// A read's data is to be copied out.
    case returningData
    /// To be answered.
    case finished
  }

  var phase = Phase.free
  var identifier: UInt64 = 0
  var responseOperation: UInt8 = 0
  var status = BlockStatus.okay
  /// What the target does next. A flush that carries data becomes a write when it is done.
  var kind = StorageOperation.Kind.flush
  var writesAfterFlush = false
  /// A write that is made durable before it is answered.
  var flushesAfterWrite = false

  /// First byte on the target, and how many there are in all and done.
  var byteOffset: UInt64 = 0
  var byteCount: UInt64 = 0
  var byteCountDone: UInt64 = 0
  /// The first wire sector of an indirect request, until its range is known.
  var sector: UInt64 = 0

  /// The segments of a direct request lie in the ring's copy of its slot, those of an indirect one
  /// in the buffer.
  var segmentCount = 0
  var isIndirect = false
  /// The granted page with the segments, of an indirect request.
  var segmentPage = GrantReference(rawValue: 0)

  /// The buffer's run of pages: the data from its start, an indirect request's segments in its
  /// last.
  var firstPage = 0
  var pageCount = 0

  /// Whether the transfer is to be handed over together with its grant copies.
  var isLinked = false

  /// The operations of the current grant-copy batch that are this request's.
  var batchStart = 0
  var batchEnd = 0

  /// Fills an unused entry and sets the first phase.
  mutating func start(_ job: BlockJob, request: BlockRequest, firstPage: Int) {
    precondition(phase == .free)
    identifier = request.identifier
    responseOperation = request.responseOperation
    status = .okay
    kind = job.kind
    writesAfterFlush = job.writesAfterFlush
    flushesAfterWrite = job.flushesAfterWrite
    byteOffset = job.byteOffset
    byteCount = job.byteCount
    byteCountDone = 0
    sector = job.sector
    segmentCount = job.segmentCount
    isIndirect = job.isIndirect
    segmentPage = job.segmentPage
    self.firstPage = firstPage
    isLinked = false
    pageCount = job.pageCount
    if job.isIndirect {
      phase = .fetchingSegments
    } else if job.kind == .write || job.writesAfterFlush {
      phase = .fetchingData
    } else {
      phase = .storage
    }
  }

  /// Whether the first that the target does is to transfer data.
  var beginsWithTransfer: Bool { kind == .read || kind == .write }

  /// The places of its grant copies in a table that has one for each page of the buffer.
  var copyRange: Range<Int> { firstPage..<(firstPage + segmentCount) }

  /// Where in the buffer the data begin, in bytes.
  var bufferOffset: Int { firstPage * xenPageByteCount }

  /// Where in the buffer the segments of an indirect request lie, in bytes.
  var segmentsOffset: Int { (firstPage + pageCount - 1) * xenPageByteCount }

  /// What the target is to do next.
  func storageOperation(token: Int) -> StorageOperation {
    let transfers = kind == .read || kind == .write
    return StorageOperation(
      kind: kind,
      byteOffset: byteOffset + byteCountDone,
      byteCount: kind == .flush ? 0 : byteCount - byteCountDone,
      bufferOffset: transfers ? bufferOffset + Int(byteCountDone) : 0,
      token: token)
  }
}
