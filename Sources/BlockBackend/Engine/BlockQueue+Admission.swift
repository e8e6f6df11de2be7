import RingTransport

/// From the ring into the table: judging a request and giving it what it needs.
extension BlockQueue {
  /// Why taking requests ended.
  enum TakeOutcome {
    /// The ring is empty.
    case emptied
    /// As many were taken as one turn may take; others wait.
    case limited
    /// No more may be taken now: the buffer is full, a barrier holds up what comes after it or
    /// waits for what came before it, or the queue drains. A completion or nobody changes that.
    case stopped
  }

  /// Takes requests until the ring is empty, the buffer full, or a ringful is taken: a guest that
  /// writes faster than we read must not keep the event loop from its other work.
  mutating func takeRequests<Storage: BlockStorage & ~Copyable>(
    storage: inout Storage
  ) throws(RingViolation) -> TakeOutcome {
    if let token = blocked {
      guard admit(token, storage: &storage) else { return .stopped }
      blocked = nil
    }
    for _ in 0..<Int(ring.layout.slotCount) {
      if isDraining || barrier != nil { return .stopped }
      if try barrierHasToWait() { return .stopped }
      guard let token = try ring.takeRequest() else { return .emptied }
      guard admit(token, storage: &storage) else {
        blocked = token
        return .stopped
      }
    }
    return .limited
  }

  /// Whether the next request is a barrier and others are unanswered.
  ///
  /// It waits in the ring, and so do those behind it: a response may move unanswered requests, but
  /// none that was not taken. So the place in the ring tells the next process, too, what a barrier
  /// divides. A guest that changes the operation meanwhile loses nothing but its own order.
  private func barrierHasToWait() throws(RingViolation) -> Bool {
    guard !isIdle else { return false }
    return try ring.nextRequestByte() == BlockOperation.writeBarrier.rawValue
  }

  /// Judges a request and starts it, or answers it with an error.
  ///
  /// - Returns: false when the buffer has no room now; nothing has changed then.
  private mutating func admit<Storage: BlockStorage & ~Copyable>(
    _ token: Int, storage: inout Storage
  ) -> Bool {
    let request = BlockRequest(slot: ring.request(token), abi: abi)
    let job: BlockJob
    do throws(BlockRefusal) {
      job = try BlockJob(
        judging: request, in: ring.request(token), abi: abi, against: geometry)
    } catch {
      publishResponse(
        token, identifier: request.identifier, operation: request.responseOperation,
        status: error.status)
      return true
    }
    var firstPage = 0
    if job.pageCount > 0 {
      guard let page = pool.allocate(job.pageCount) else { return false }
      firstPage = page
    }
    requests[token].start(job, request: request, firstPage: firstPage)
    if job.isBarrier { barrier = token }
    count(job)
    if !job.isIndirect, link(token) {
      startStorage(token, storage: &storage)
      return true
    }
    switch requests[token].phase {
    case .fetchingSegments: segmentFetches.append(token)
    case .fetchingData: dataFetches.append(token)
    default: startStorage(token, storage: &storage)
    }
    return true
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
