import RingTransport

/// Taking over a ring whose last process died.
extension ReceiveQueue {
  /// Publishes what that process has written into the ring. The frames are in the guest.
  mutating func publishInherited() throws(RingViolation) {
    var inherited = InheritedAnswers()
    let waitingCount = try ring.waitingRequestCount()
    for distance in 0..<waitingCount {
      guard ring.peek(at: distance, { inherited.take($0) }) else { break }
    }
    inherited.end()
    for answer in inherited.answers {
      // They were counted, but the count is the guest's to change at any moment.
      guard try ring.take({ _ in true }) == true else { break }
      switch answer {
      case .data(let response): ring.stage(response)
      case .extra(let extra): ring.stage(extra)
      }
    }
    ring.pushStaged()
    inheritedPacketCount = inherited.packetCount
    statistics.receivedPackets += UInt64(inherited.packetCount)
  }
}
