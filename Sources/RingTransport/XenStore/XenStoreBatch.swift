/// The progress of one ``XenStoreClient/submit(_:transaction:)``.
struct XenStoreBatch {
  let operations: [XenStoreOperation]
  let isTransaction: Bool
  /// How often the transaction was started.
  var attemptCount = 0
  /// The transaction that the operations belong to; 0 outside transactions.
  var transaction: UInt32 = 0
  /// How many operations have no result yet.
  private(set) var outstandingCount = 0
  /// Nobody waits for the batch any more: undo what can be undone, and report nothing.
  var isAbandoned = false
  private var results: [Result<XenStoreReply, XenStoreError>?] = []

  init(_ operations: [XenStoreOperation], isTransaction: Bool) {
    self.operations = operations
    self.isTransaction = isTransaction
    reset()
  }

  /// Forgets all results, for another attempt.
  mutating func reset() {
    results = Array(repeating: nil, count: operations.count)
    outstandingCount = operations.count
  }

  mutating func record(_ result: Result<XenStoreReply, XenStoreError>, at index: Int) {
    precondition(results[index] == nil, "one result for each operation")
    results[index] = result
    outstandingCount -= 1
  }

  /// Whether the transaction may be committed. A failed read is an answer like any other.
  var isCommittable: Bool {
    if isAbandoned { return false }
    for (operation, result) in zip(operations, results) where operation.isMutating {
      guard case .success = result else { return false }
    }
    return true
  }

  /// The results, where all came to be.
  var finalResults: [Result<XenStoreReply, XenStoreError>] {
    results.map { $0 ?? .failure(.aborted) }
  }

  /// The results of a transaction that was given up because of one of its operations.
  var abortedResults: [Result<XenStoreReply, XenStoreError>] {
    zip(operations, finalResults).map { operation, result in
      if operation.isMutating, case .success = result { return .failure(.aborted) }
      return result
    }
  }

  /// The results of a batch that failed as a whole.
  func results(allFailing error: XenStoreError) -> [Result<XenStoreReply, XenStoreError>] {
    operations.map { _ in .failure(error) }
  }
}
