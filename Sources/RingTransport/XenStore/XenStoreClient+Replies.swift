import SystemPackage

extension XenStoreClient where Transport: ~Copyable {
  /// Reads and handles what the server has sent, within a bound.
  mutating func receive() throws(XenStoreFailure) {
    for _ in 0..<Self.readCountPerCallMax {
      let byteCount: Int?
      do throws(Errno) {
        byteCount = try Self.read(from: &transport, into: &inputBuffer)
      } catch {
        throw .transport(error)
      }
      guard let byteCount else { return }
      guard byteCount > 0 else { throw .closed }
      reader.append(inputBuffer[..<byteCount])
      while let message = try reader.next() {
        try handle(message)
      }
    }
  }

  private static func read(
    from transport: inout Transport, into buffer: inout [UInt8]
  ) throws(Errno) -> Int? {
    var bytes = buffer.mutableSpan
    // SAFETY: any byte is a valid UInt8.
    var rawBytes = unsafe bytes.mutableBytes
    return try transport.read(into: &rawBytes)
  }

  private mutating func handle(_ message: XenStoreMessage) throws(XenStoreFailure) {
    if message.kind == .watchEvent {
      let event = try message.watchEvent()
      events.appendWatch(event.path, token: event.token)
      return
    }
    // By req_id, never by order: the xenbus device answers watches before older requests.
    guard let purpose = sentPurposes.removeValue(forKey: message.requestIdentifier) else {
      throw .malformed(.unexpectedReply(requestIdentifier: message.requestIdentifier))
    }
    switch purpose {
    case .start(let identifier):
      if let error = try message.serverError() { return finish(purpose, with: error) }
      try message.require(.transactionStart)
      let transaction = try message.number()
      // 0 would mean "outside transactions": the operations would take effect one by one.
      guard transaction != 0 else { throw message.malformed }
      batches[identifier]?.transaction = transaction
      if batches[identifier]?.isAbandoned == true {
        endTransaction(identifier, commits: false)
      } else {
        enqueueOperations(of: identifier)
      }
    case .operation(let identifier, let index):
      try handleOperationReply(message, identifier, index)
    case .listing(let identifier, let index, let listing):
      switch try listing.accept(message) {
      case .next(let listing): continueListing(listing, identifier, index)
      case .finished(let result): record(result, identifier, index)
      }
    case .end(let identifier, let commits):
      if let error = try message.serverError() { return finish(purpose, with: error) }
      try message.require(.transactionEnd)
      guard let batch = batches[identifier] else { return }
      complete(identifier, with: commits ? batch.finalResults : batch.abortedResults)
    }
  }

  private mutating func handleOperationReply(
    _ message: XenStoreMessage, _ identifier: XenStoreBatchIdentifier, _ index: Int
  ) throws(XenStoreFailure) {
    guard let operation = batches[identifier]?.operations[index] else { return }
    let result = try operation.reply(from: message)
    if case .list = operation, result == .failure(.tooBig) {
      continueListing(XenStoreListing(), identifier, index)
      return
    }
    record(result, identifier, index)
  }

  private mutating func continueListing(
    _ listing: XenStoreListing, _ identifier: XenStoreBatchIdentifier, _ index: Int
  ) {
    guard let batch = batches[identifier], case .list(let path) = batch.operations[index] else {
      return
    }
    enqueue(
      .directoryPart, listing.payload(for: path), transaction: batch.transaction,
      for: .listing(identifier, index: index, listing))
  }

  /// Goes on after an error in place of a reply.
  mutating func finish(_ purpose: Purpose, with error: XenStoreError) {
    switch purpose {
    case .operation(let identifier, let index), .listing(let identifier, let index, _):
      record(.failure(error), identifier, index)
    case .start(let identifier):
      guard let batch = batches[identifier] else { return }
      complete(identifier, with: batch.results(allFailing: error))
    case .end(let identifier, let commits):
      guard let batch = batches[identifier] else { return }
      if !commits {
        complete(identifier, with: batch.abortedResults)
      } else if error == .again, !batch.isAbandoned,
        batch.attemptCount < Self.transactionAttemptCountMax
      {
        batches[identifier]?.reset()
        startTransaction(identifier)
      } else {
        complete(identifier, with: batch.results(allFailing: error))
      }
    }
  }

  private mutating func record(
    _ result: Result<XenStoreReply, XenStoreError>,
    _ identifier: XenStoreBatchIdentifier, _ index: Int
  ) {
    if case .watch(let path, let token) = batches[identifier]?.operations[index],
      case .failure(let error) = result, error != .alreadyExists
    {
      events.removeWatch(path, token: token)
    }
    batches[identifier]?.record(result, at: index)
    if batches[identifier]?.outstandingCount == 0 { finishOperations(of: identifier) }
  }

  /// Every operation of the batch has its result: report it, or end its transaction.
  mutating func finishOperations(of identifier: XenStoreBatchIdentifier) {
    guard let batch = batches[identifier] else { return }
    if batch.isTransaction {
      endTransaction(identifier, commits: batch.isCommittable)
    } else {
      complete(identifier, with: batch.finalResults)
    }
  }

  private mutating func complete(
    _ identifier: XenStoreBatchIdentifier,
    with results: [Result<XenStoreReply, XenStoreError>]
  ) {
    guard let batch = batches.removeValue(forKey: identifier) else { return }
    if !batch.isAbandoned { events.append(.completed(identifier, results)) }
    guard batch.isTransaction else { return }
    transactionQueue.removeAll { $0 == identifier }
    if let next = transactionQueue.first { startTransaction(next) }
  }
}
