import SystemPackage

extension XenStoreClient where Transport: ~Copyable {
  /// Puts a batch's operations into the queue of requests.
  mutating func enqueueOperations(of identifier: XenStoreBatchIdentifier) {
    guard let batch = batches[identifier] else { return }
    for (index, operation) in batch.operations.enumerated() {
      switch operation {
      case .watch(let path, let token): events.addWatch(path, token: token)
      case .unwatch(let path, let token): events.removeWatch(path, token: token)
      default: break
      }
      let payload = operation.payload
      guard payload.count <= XenStoreMessage.requestPayloadByteCountMax else {
        batches[identifier]?.record(.failure(.tooBig), at: index)
        continue
      }
      enqueue(
        operation.messageKind, payload, transaction: batch.transaction,
        for: .operation(identifier, index: index))
    }
    if batches[identifier]?.outstandingCount == 0 { finishOperations(of: identifier) }
  }

  mutating func startTransaction(_ identifier: XenStoreBatchIdentifier) {
    batches[identifier]?.attemptCount += 1
    enqueue(
      .transactionStart, XenStoreMessage.payload(""), transaction: 0, for: .start(identifier))
  }

  mutating func endTransaction(_ identifier: XenStoreBatchIdentifier, commits: Bool) {
    enqueue(
      .transactionEnd, XenStoreMessage.payload(commits ? "T" : "F"),
      transaction: batches[identifier]?.transaction ?? 0,
      for: .end(identifier, commits: commits))
  }

  mutating func enqueue(
    _ kind: XenStoreMessage.Kind, _ payload: [UInt8], transaction: UInt32, for purpose: Purpose
  ) {
    lastRequestIdentifier &+= 1
    let message = XenStoreMessage(
      kind: kind, requestIdentifier: lastRequestIdentifier, transaction: transaction,
      payload: payload)
    unsentRequests.append(Request(message: message, purpose: purpose))
  }

  /// Writes until there is nothing to write, no room, or the pipeline is full.
  ///
  /// One message a `write`: the xenbus device drops what follows a message.
  mutating func flush() throws(XenStoreFailure) {
    isOutputBlocked = false
    while beginNextMessage() {
      let written: Int?
      do throws(Errno) {
        written = try Self.write(output, from: outputOffset, to: &transport)
      } catch {
        guard transport.answersWithWriteErrors else { throw .transport(error) }
        output.removeAll(keepingCapacity: true)
        answerLastMessage(with: XenStoreError(error))
        continue
      }
      // A stream that takes nothing is a full one, whatever it calls it; never spin on it.
      guard let written, written > 0 else {
        isOutputBlocked = true
        return
      }
      outputOffset += written
      if outputOffset == output.count { output.removeAll(keepingCapacity: true) }
    }
  }

  private static func write(
    _ output: [UInt8], from offset: Int, to transport: inout Transport
  ) throws(Errno) -> Int? {
    // SAFETY: a UInt8 has no padding bytes.
    let bytes = unsafe output.span.bytes
    return try transport.write(bytes.extracting(droppingFirst: offset))
  }

  /// Makes the next request the one that is being written, where none is and one may be.
  private mutating func beginNextMessage() -> Bool {
    guard output.isEmpty else { return true }
    guard !unsentRequests.isEmpty, sentPurposes.count < transport.requestsInFlightMax else {
      return false
    }
    let request = unsentRequests.removeFirst()
    output = request.message.bytes
    outputOffset = 0
    lastSentIdentifier = request.message.requestIdentifier
    sentPurposes[lastSentIdentifier] = request.purpose
    return true
  }

  /// Treats an error of `write` as the server's answer to the message that was being written.
  private mutating func answerLastMessage(with error: XenStoreError) {
    guard let purpose = sentPurposes.removeValue(forKey: lastSentIdentifier) else { return }
    finish(purpose, with: error)
  }
}
