import RingTransport

/// What an earlier process has written into a receive ring and did not live to publish, read slot
/// by slot.
///
/// Answers are written in ring order, over the requests, when the data is in the guest's pages. So
/// they can be published as they are, up to the first slot that still holds a request.
struct InheritedAnswers {
  /// What was written into one slot.
  enum Answer: Hashable {
    case data(NetReceiveResponse)
    case extra(NetExtraInfo)
  }

  /// What the next slot has to hold, if it was written.
  private enum Expected {
    case first
    case extra
    case data
  }

  private(set) var answers: [Answer] = []
  /// The sizes of packets of which every slot was written.
  private(set) var packetByteCounts: [Int] = []
  private var expected = Expected.first
  /// Where the last packet begins.
  private var firstIndex = 0
  private var hasMoreData = false
  private var byteCount = 0

  /// Reads the next slot.
  ///
  /// - Returns: whether it was written. Otherwise those behind it were not, either.
  mutating func take(_ slot: RawSpan) -> Bool {
    switch expected {
    case .first:
      guard let response = NetReceiveResponse(inheritedIn: slot, isFirst: true) else {
        return false
      }
      firstIndex = answers.count
      byteCount = 0
      append(response)
      expected = response.flags.contains(.extraInfo) ? .extra : .data
      if expected == .data { endSlot() }
    case .extra:
      guard let extra = NetExtraInfo(inheritedIn: slot) else { return false }
      answers.append(.extra(extra))
      if !extra.hasMore { endSlot() }
    case .data:
      guard let response = NetReceiveResponse(inheritedIn: slot, isFirst: false) else {
        return false
      }
      append(response)
      endSlot()
    }
    return true
  }

  private mutating func append(_ response: NetReceiveResponse) {
    hasMoreData = response.flags.contains(.moreData)
    byteCount += max(0, Int(response.status))
    answers.append(.data(response))
  }

  /// A packet goes on with data, or is whole.
  private mutating func endSlot() {
    expected = hasMoreData ? .data : .first
    if !hasMoreData { packetByteCounts.append(byteCount) }
  }

  /// Ends a packet of which some slots were written behind the last of these. The guest gets the
  /// beginning of a frame, which its network stack drops for its size: nobody knows any more which
  /// pages the slots were offered for.
  mutating func end() {
    guard expected != .first else { return }
    let last = answers.count - 1
    switch answers[last] {
    case .data(var response):
      response.flags.subtract([.moreData, .extraInfo])
      answers[last] = .data(response)
    case .extra(var extra):
      extra.hasMore = false
      answers[last] = .extra(extra)
      if case .data(var response) = answers[firstIndex] {
        response.flags.remove(.moreData)
        answers[firstIndex] = .data(response)
      }
    }
    expected = .first
  }

  /// Reads nothing yet.
  init() {}

  /// Reads what an earlier process has written into a ring that was just attached to, and publishes
  /// it.
  init(publishingIn ring: inout BackRing) throws(RingViolation) {
    for distance in 0..<(try ring.waitingRequestCount()) {
      var isWritten = false
      ring.peek(at: distance) { isWritten = take($0) }
      if !isWritten { break }
    }
    end()
    for answer in answers {
      // They were counted, but the count is the guest's to change at any moment.
      guard try ring.take({ _ in true }) == true else { break }
      switch answer {
      case .data(let response): ring.stage(response)
      case .extra(let extra): ring.stage(extra)
      }
    }
    ring.pushStaged()
  }
}
