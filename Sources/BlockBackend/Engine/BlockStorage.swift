import RingTransport

/// What a request becomes once it has been judged: one transfer between the target and the buffer,
/// a flush or a discard.
struct StorageOperation: Sendable {
  /// The kinds of work a target does.
  enum Kind: Sendable {
    case read
    case write
    case flush
    case discard
  }

  /// What to do.
  var kind: Kind
  /// Where on the target, in bytes.
  var byteOffset: UInt64
  /// How much, in bytes. Zero for a flush.
  var byteCount: UInt64
  /// Where in the buffer, in bytes. Reads and writes only.
  var bufferOffset: Int
  /// Comes back with the completion.
  var token: Int
}

/// The place where blocks are: one target behind an event loop in production, a model in tests.
///
/// Operations are asynchronous. Completions come back through the owner's event loop, as the token
/// and the bytes transferred or a negative error number.
protocol BlockStorage: ~Copyable {
  /// Takes in which target it will be, before anything of the guest is looked at.
  mutating func announce(_ request: BlockTarget.Request)

  /// Opens the target, in place of any other. There is no operation in flight.
  mutating func open(_ request: BlockTarget.Request) throws(BlockTargetError) -> BlockGeometry

  /// Closes the target, so that somebody else can have it. There is no operation in flight.
  mutating func close()

  /// The target's capacity now, in bytes, which may have grown; nil when it cannot tell.
  var currentCapacityBytes: UInt64? { get }

  /// Queues `operation` on `buffer`, which outlives it.
  ///
  /// - Returns: false when nothing more can be queued now; after a completion there is room.
  mutating func submit(_ operation: StorageOperation, buffer: borrowing PrivateMemory) -> Bool

  /// Whether a read or a write can be queued together with its grant copies.
  var copiesGrants: Bool { get }

  /// Queues a read and then the copies out of what it has read, or the copies in and then a write.
  ///
  /// The completion is that of the operation, ``BlockQueue/complete(token:result:)``, or of the
  /// copies, ``BlockQueue/completeCopy(token:result:)``.
  ///
  /// - Parameter range: the copies in `copies`, which stay until the completion.
  mutating func submit(
    _ operation: StorageOperation, buffer: borrowing PrivateMemory,
    copying copies: borrowing GrantCopyTable, _ range: Range<Int>
  ) -> Bool
}

extension BlockStorage where Self: ~Copyable {
  /// For storage that opens what it is told to.
  mutating func announce(_ request: BlockTarget.Request) {}
}

extension BlockStorage where Self: ~Copyable {
  /// For storage that copies nothing.
  var copiesGrants: Bool { false }

  mutating func submit(
    _ operation: StorageOperation, buffer: borrowing PrivateMemory,
    copying copies: borrowing GrantCopyTable, _ range: Range<Int>
  ) -> Bool {
    preconditionFailure("it says that it copies nothing")
  }
}
