import RingTransport
import SystemPackage

/// Moving bytes between the guest and the buffer.
extension BlockQueue {
  /// The three reasons to copy.
  enum CopyStep {
    /// Indirect pages come in, so that their segments are known.
    case segments
    /// A write's data come in.
    case dataIn
    /// A read's data go out.
    case dataOut
  }

  /// Runs a step for every request that waits for it, in as few calls as the batch allows, and
  /// moves each request on by its own outcome.
  mutating func runCopies<Xen: Hypervisor & ~Copyable>(
    _ step: CopyStep, hypervisor: inout Xen
  ) {
    var tokens: [Int] = []
    // Taken out and put back, so that the list can be walked while `self` changes.
    swapTokens(of: step, with: &tokens)
    var first = 0
    for position in 0..<tokens.count {
      let needed = step == .segments ? 1 : requests[tokens[position]].segmentCount
      if batch.room < needed {
        settle(step, tokens, first..<position, hypervisor: &hypervisor)
        first = position
      }
      append(step, tokens[position])
    }
    settle(step, tokens, first..<tokens.count, hypervisor: &hypervisor)
    tokens.removeAll(keepingCapacity: true)
    swapTokens(of: step, with: &tokens)
  }

  private mutating func swapTokens(of step: CopyStep, with tokens: inout [Int]) {
    switch step {
    case .segments: swap(&segmentFetches, &tokens)
    case .dataIn: swap(&dataFetches, &tokens)
    case .dataOut: swap(&dataReturns, &tokens)
    }
  }

  /// Adds a request's copies to the batch.
  private mutating func append(_ step: CopyStep, _ token: Int) {
    requests[token].batchStart = batch.count
    if step == .segments {
      batch.appendCopy(
        from: requests[token].segmentPage, of: frontendDomain, pageOffset: 0,
        byteCount: requests[token].segmentCount * BlockLimits.segmentByteCount,
        to: buffer, at: requests[token].segmentsOffset)
    } else {
      setCopies(of: token, intoGuest: step == .dataOut)
      batch.append(copies, requests[token].copyRange)
    }
    requests[token].batchEnd = batch.count
  }

  /// Puts the copies of a request's data into their places in the table.
  mutating func setCopies(of token: Int, intoGuest: Bool) {
    var offset = requests[token].bufferOffset
    for index in 0..<requests[token].segmentCount {
      let segment = segment(index, of: token)
      let place = requests[token].copyRange.lowerBound + index
      if intoGuest {
        copies.setCopy(
          at: place, from: buffer, at: offset, byteCount: segment.byteCount,
          to: segment.reference, of: frontendDomain, pageOffset: segment.pageOffset)
      } else {
        copies.setCopy(
          at: place, from: segment.reference, of: frontendDomain,
          pageOffset: segment.pageOffset, byteCount: segment.byteCount, to: buffer, at: offset)
      }
      offset += segment.byteCount
    }
  }

  /// Runs the batch and moves the requests on.
  private mutating func settle<Xen: Hypervisor & ~Copyable>(
    _ step: CopyStep, _ tokens: [Int], _ positions: Range<Int>, hypervisor: inout Xen
  ) {
    hypervisor.copyAll(&batch)
    for position in positions {
      let token = tokens[position]
      let range = requests[token].batchStart..<requests[token].batchEnd
      advance(step, token, copied: batch.succeeded(in: range))
    }
    batch.removeAll()
  }

  private mutating func advance(_ step: CopyStep, _ token: Int, copied: Bool) {
    guard copied else {
      finish(token, .error)
      return
    }
    switch step {
    case .segments: judgeSegments(of: token)
    case .dataIn: storageWaits.append(token)
    case .dataOut:
      statistics.bytesRead += requests[token].byteCount
      finish(token, .okay)
    }
  }

  /// Judges the segments of an indirect request, now that they lie in the buffer, where the guest
  /// cannot change them any more.
  private mutating func judgeSegments(of token: Int) {
    var sectorCount: UInt64 = 0
    for index in 0..<requests[token].segmentCount {
      let segment = segment(index, of: token)
      guard segment.isValid else {
        finish(token, .error)
        return
      }
      sectorCount += UInt64(segment.sectorCount)
    }
    let range = geometry.byteRange(sector: requests[token].sector, sectorCount: sectorCount)
    guard let range else {
      finish(token, .error)
      return
    }
    (requests[token].byteOffset, requests[token].byteCount) = range
    if link(token) || requests[token].kind == .read {
      requests[token].phase = .storage
      storageWaits.append(token)
    } else {
      requests[token].phase = .fetchingData
      dataFetches.append(token)
    }
  }

  /// A segment of a request, wherever it lies.
  private func segment(_ index: Int, of token: Int) -> BlockSegment {
    guard requests[token].isIndirect else {
      return BlockSegment(index, ofSlot: ring.request(token), abi: abi)
    }
    return BlockSegment(
      in: buffer.bytes,
      at: requests[token].segmentsOffset + index * BlockLimits.segmentByteCount)
  }

  /// Notes a request's outcome; the response goes out in this turn.
  mutating func finish(_ token: Int, _ status: BlockStatus) {
    requests[token].phase = .finished
    requests[token].status = status
    finished.append(token)
  }
}
