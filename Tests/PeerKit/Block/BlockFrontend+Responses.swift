import CRingReference
import RingTransport
import SimulatedXen

/// Taking responses, and judging them.
extension BlockFrontend {
  /// Whether the guest would run now: it sleeps until its event comes.
  package var isAwake: Bool { machine.hasEvent(port, of: domain) }

  /// Takes the event that woke the guest, then all responses, and goes back to sleep.
  ///
  /// A guest may ask to be woken by a later response than the next, to be woken less often.
  package func handleEvent() throws(PeerFailure) -> [FrontendCompletion] {
    _ = machine.takeEvent(port, of: domain)
    var completions: [FrontendCompletion] = []
    var ahead: UInt32
    repeat {
      completions += try takeResponses()
      ahead = 1
      if outstandingCount > 1, generator.chance(percent: 30) {
        ahead = UInt32.random(in: 1...UInt32(outstandingCount), using: &generator)
      }
    } while ring.armResponseEvent(ahead: ahead)
    return completions
  }

  /// Takes all responses that are there.
  package func takeResponses() throws(PeerFailure) -> [FrontendCompletion] {
    guard ring.unconsumedCount <= UInt32(outstandingCount) else {
      throw PeerFailure("\(ring.unconsumedCount) responses to \(outstandingCount) requests")
    }
    var completions: [FrontendCompletion] = []
    while true {
      let place = ring.responseConsumer.slot(in: ring.layout.slotCount)
      guard let slot = ring.takeResponse() else { return completions }
      try judgeBytes(slot)
      slots[place] = slot
      completions.append(try judge(slot))
    }
  }

  /// Fields may be written, padding must be zero, the rest of the slot must be what a request left
  /// there that has no response yet: the one that was put there, or one that was moved there.
  private func judgeBytes(_ slot: [UInt8]) throws(PeerFailure) {
    for offset in 0..<abi.responseByteCount
    where reference_response_has_field_at(abi.reference, offset) == 0 && slot[offset] != 0 {
      throw PeerFailure("padding at byte \(offset) of a response is \(slot[offset])")
    }
    let rest = slot[abi.responseByteCount...]
    guard outstanding.values.contains(where: { $0.slot[abi.responseByteCount...] == rest }) else {
      throw PeerFailure("bytes of the slot behind a response were written")
    }
  }

  private func judge(_ slot: [UInt8]) throws(PeerFailure) -> FrontendCompletion {
    let response = abi.decodeResponse(slot)
    guard let entry = outstanding[response.identifier] else {
      throw PeerFailure("response to \(response.identifier), which is not outstanding")
    }
    guard response.operation == entry.wireOperation else {
      throw PeerFailure(
        "response names operation \(response.operation), the request \(entry.wireOperation)")
    }
    guard [0, -1, -2].contains(response.status) else {
      throw PeerFailure("response has status \(response.status)")
    }
    let data = try collect(entry)
    try retire(response.identifier, entry)
    return FrontendCompletion(
      identifier: response.identifier, request: entry.request, status: response.status,
      data: data)
  }

  /// The bytes of a read; all around them must be what was there before.
  private func collect(_ entry: Outstanding) throws(PeerFailure) -> [UInt8] {
    guard entry.request.operation == .read else { return [] }
    var data: [UInt8] = []
    let untouched = [UInt8](repeating: entry.filling, count: xenPageByteCount)
    for (range, frame) in zip(entry.request.segments, entry.frames) {
      let page = machine.read(frame)
      let (start, end) = (Int(range.lowerBound) * 512, (Int(range.upperBound) + 1) * 512)
      guard page[..<start] == untouched[..<start], page[end...] == untouched[end...] else {
        throw PeerFailure("bytes of a page outside the segment were written")
      }
      data += page[start..<end]
    }
    return data
  }

  /// Looks at the whole ring, while the backend is not at it: between its response producer and our
  /// request producer lies every request without a response, once; every other slot that holds no
  /// response must be as this end left it.
  package func auditRing() throws(PeerFailure) {
    let answered = ring.unconsumedCount
    let submitted = ring.requestProducer.distance(from: ring.responseConsumer)
    var open = outstanding.values.map(\.slot)
    for distance in answered..<ring.layout.slotCount {
      let index = ring.responseConsumer.advanced(by: distance)
      let slot = ring.pages.bytes(
        from: ring.layout.slotOffset(of: index), count: ring.layout.slotByteCount)
      if distance >= submitted {
        guard slot == slots[index.slot(in: ring.layout.slotCount)] else {
          throw PeerFailure("slot \(index.rawValue) was written, which holds no request")
        }
      } else if let position = open.firstIndex(of: slot) {
        open.remove(at: position)
      } else {
        throw PeerFailure("slot \(index.rawValue) holds none of the requests without a response")
      }
    }
  }
}
