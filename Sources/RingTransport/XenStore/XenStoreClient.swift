/// A connection to XenStore for one event loop: it never blocks, except in ``perform``.
///
/// Use: `submit` requests; wait for ``fileDescriptor`` to be readable (and writable while
/// ``wantsToWrite``); then `process`, and take events until there are none. `submit` can bring
/// events too, so take events before every wait.
///
/// Batches are answered in any order, so submit what depends on a batch when it has completed.
/// The operations of one batch reach the server in their order. At most one transaction is open at
/// a time: several of our own would only make each other fail.
///
/// Threading: one thread, which owns the value.
public struct XenStoreClient<Transport: XenStoreTransport & ~Copyable>: ~Copyable {
  /// What a request that was sent is for.
  enum Purpose {
    case start(XenStoreBatchIdentifier)
    case operation(XenStoreBatchIdentifier, index: Int)
    case listing(XenStoreBatchIdentifier, index: Int, XenStoreListing)
    case end(XenStoreBatchIdentifier, commits: Bool)
  }

  struct Request {
    var message: XenStoreMessage
    var purpose: Purpose
  }

  var transport: Transport
  var reader = XenStoreMessageReader()
  /// Where `read` puts bytes: room for the largest message.
  var inputBuffer = [UInt8](
    repeating: 0,
    count: XenStoreMessage.headerByteCount + XenStoreMessage.payloadByteCountMax)
  /// The message that is being written, and how much of it has been.
  var output: [UInt8] = []
  var outputOffset = 0
  var isOutputBlocked = false
  /// The `req_id` of the message that is being written, or was written last.
  var lastSentIdentifier: UInt32 = 0
  /// Requests that were not sent yet, in their order.
  var unsentRequests: [Request] = []
  /// Requests whose replies are to come, by `req_id`: replies come in any order.
  var sentPurposes: [UInt32: Purpose] = [:]
  var batches: [XenStoreBatchIdentifier: XenStoreBatch] = [:]
  /// Transactions in the order of submission; the first one is running.
  var transactionQueue: [XenStoreBatchIdentifier] = []
  var events = XenStoreEventQueue()
  var failure: XenStoreFailure?
  var lastRequestIdentifier: UInt32 = 0
  var lastBatchIdentifier: UInt64 = 0

  /// How often a transaction is tried before its batch fails with `.again`. libxl tries without
  /// end; a server that always answers EAGAIN must not keep us busy forever.
  static var transactionAttemptCountMax: Int { 64 }
  /// How many reads one ``process()`` makes, so that a flood of events cannot starve the loop; the
  /// descriptor stays readable.
  static var readCountPerCallMax: Int { 64 }

  /// Starts to speak over a fresh connection.
  public init(_ transport: consuming Transport) {
    self.transport = transport
  }

  /// Queues a batch of operations, and sends what can be sent at once.
  ///
  /// In a transaction the operations take effect together or not at all. A transaction that
  /// conflicts with somebody else's changes is repeated (`EAGAIN`); one with a mutating operation
  /// that fails is undone, and its results say why; one with a failing read goes on.
  ///
  /// - Parameter transaction: traps where true and an operation is about a watch.
  /// - Returns: the batch's name in ``XenStoreEvent/completed(_:_:)``.
  public mutating func submit(
    _ operations: [XenStoreOperation], transaction: Bool = false
  ) -> XenStoreBatchIdentifier {
    precondition(!transaction || !operations.contains { $0.concernsWatch })
    lastBatchIdentifier += 1
    let identifier = XenStoreBatchIdentifier(rawValue: lastBatchIdentifier)
    let isTransaction = transaction && !operations.isEmpty
    batches[identifier] = XenStoreBatch(operations, isTransaction: isTransaction)
    if isTransaction {
      transactionQueue.append(identifier)
      if transactionQueue.count == 1 { startTransaction(identifier) }
    } else {
      enqueueOperations(of: identifier)
    }
    do throws(XenStoreFailure) {
      if failure == nil { try flush() }
    } catch {
      // submit has no error to give; the next process() throws it.
      failure = error
    }
    return identifier
  }

  /// Reads and writes what is possible now.
  ///
  /// - Throws: a failure after which the connection is of no use; every later call throws it again.
  public mutating func process() throws(XenStoreFailure) {
    if let failure { throw failure }
    do throws(XenStoreFailure) {
      try flush()
      try receive()
      // Replies make room in the pipeline, and bring the next steps of transactions.
      try flush()
    } catch {
      failure = error
      throw error
    }
  }

  /// The next event, in the order of arrival.
  public mutating func nextEvent() -> XenStoreEvent? {
    events.next()
  }

  /// Whether to wake up when ``fileDescriptor`` has room for output.
  public var wantsToWrite: Bool { isOutputBlocked }

  /// What to wait for.
  public var fileDescriptor: Int32 { transport.fileDescriptor }
}
