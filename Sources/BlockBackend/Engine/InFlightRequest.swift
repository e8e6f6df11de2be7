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

  /// First byte on the target, and how many there are in all and done.
  var byteOffset: UInt64 = 0
  var byteCount: UInt64 = 0
  var byteCountDone: UInt64 = 0

  /// The segments of a direct request; of an indirect one they lie in the buffer.
  var segments = InlineArray<11, BlockSegment>(repeating: BlockSegment())
  var segmentCount = 0
  var isIndirect = false
  /// The granted page with the segments, of an indirect request.
  var segmentPage = GrantReference(rawValue: 0)

  /// The buffer's run of pages; the data begin at its start.
  var firstPage = 0
  var pageCount = 0
  /// The buffer's page with the segments of an indirect request.
  var segmentBufferPage = -1

  /// The operations of the current grant-copy batch that are this request's.
  var batchStart = 0
  var batchEnd = 0
}
