import RingTransport

/// From the ring into the table: judging a request and giving it what it needs.
extension BlockQueue {
  /// Why taking requests ended.
  enum TakeOutcome {
    /// The ring is empty.
    case emptied
    /// As many were taken as one turn may take; others wait.
    case limited
    /// No more may be taken now: the buffer is full or the queue drains. A completion or nobody
    /// changes that.
    case stopped
  }

  /// Takes requests until the ring is empty, the buffer full, or a ringful is taken: a guest that
  /// writes faster than we read must not keep the event loop from its other work.
  mutating func takeRequests<Storage: BlockStorage & ~Copyable>(
    storage: inout Storage
  ) throws(RingViolation) -> TakeOutcome {
    if let request = blocked {
      guard admit(request, storage: &storage) else { return .stopped }
      blocked = nil
    }
    for _ in 0..<Int(ring.layout.slotCount) {
      if isDraining { return .stopped }
      guard let request = try takeRequest() else { return .emptied }
      guard admit(request, storage: &storage) else {
        blocked = request
        return .stopped
      }
    }
    return .limited
  }

  /// Takes one request: a private copy of its slot, decoded.
  private mutating func takeRequest() throws(RingViolation) -> BlockRequest? {
    var slot = InlineArray<112, UInt8>(repeating: 0)
    var elements = slot.mutableSpan
    // SAFETY: the raw bytes of initialised integers; every bit pattern is one.
    var bytes = unsafe elements.mutableBytes
    guard try ring.takeRequest(into: &bytes) else { return nil }
    return BlockRequest(slot: bytes.bytes, abi: abi)
  }

  /// Judges a request and starts it, or answers it with an error.
  ///
  /// - Returns: false when the buffer has no room now; nothing has changed then.
  private mutating func admit<Storage: BlockStorage & ~Copyable>(
    _ request: BlockRequest, storage: inout Storage
  ) -> Bool {
    let job: BlockJob
    do throws(BlockRefusal) {
      job = try BlockJob(judging: request, against: geometry)
    } catch {
      publishResponse(
        identifier: request.identifier, operation: request.responseOperation,
        status: error.status)
      return true
    }
    var firstPage = 0
    if job.pageCount > 0 {
      guard let page = pool.allocate(job.pageCount) else { return false }
      firstPage = page
    }
    guard let token = freeTokens.popLast() else {
      preconditionFailure("the ring holds no more requests than there are tokens")
    }
    requests[token].start(job, request: request, firstPage: firstPage)
    count(job)
    switch requests[token].phase {
    case .fetchingSegments: segmentFetches.append(token)
    case .fetchingData: dataFetches.append(token)
    default: startStorage(token, storage: &storage)
    }
    return true
  }

  /// Hands a request to the target, or notes that it waits for room there.
  mutating func startStorage<Storage: BlockStorage & ~Copyable>(
    _ token: Int, storage: inout Storage
  ) {
    // Those that wait already go first.
    if !storageWaits.isEmpty || !submit(token, storage: &storage) { storageWaits.append(token) }
  }

  /// Hands a request's next operation to the target.
  ///
  /// - Returns: false when the target has no room now.
  mutating func submit<Storage: BlockStorage & ~Copyable>(
    _ token: Int, storage: inout Storage
  ) -> Bool {
    requests[token].phase = .storage
    return storage.submit(requests[token].storageOperation(token: token), buffer: buffer)
  }

  private mutating func count(_ job: BlockJob) {
    switch job.kind {
    case .read: statistics.reads += 1
    case .write: statistics.writes += 1
    case .flush: statistics.flushes += 1
    case .discard: statistics.discards += 1
    }
    if job.isIndirect { statistics.indirect += 1 }
  }
}
