import RingTransport

/// What the backend writes into a slot of a ring.
protocol NetAnswer {
  /// How much of the slot it replaces, from its start, in bytes.
  static var answerByteCount: Int { get }

  /// Writes all bytes of a slot.
  func encode(into slot: inout MutableRawSpan)
}

extension NetTransmitResponse: NetAnswer {
  /// What the guest wrote behind it stays: should this process die before the answer is seen, the
  /// next one finds the packet's extent there.
  static var answerByteCount: Int { byteCount }
}

extension NetReceiveResponse: NetAnswer {
  static var answerByteCount: Int { NetLimits.receiveSlotByteCount }
}

/// In the receive ring it takes the place of a response.
extension NetExtraInfo: NetAnswer {
  static var answerByteCount: Int { NetLimits.receiveSlotByteCount }
}

extension NetControlResponse: NetAnswer {
  static var answerByteCount: Int { NetLimits.controlSlotByteCount }
}

/// The network protocol's slots.
extension BackRing {
  /// Takes the next request, and decodes our copy of it; nil when there is none.
  mutating func take<Request>(
    _ decode: (RawSpan) -> Request
  ) throws(RingViolation) -> Request? {
    // As large as the largest slot, that of the control ring.
    var slot = InlineArray<16, UInt8>(repeating: 0)
    var elements = slot.mutableSpan
    // SAFETY: the raw bytes of initialised integers; every bit pattern is one.
    var bytes = unsafe elements.mutableBytes
    guard try takeRequest(into: &bytes) else { return nil }
    return decode(bytes.bytes)
  }

  /// Decodes our copy of what waits `distance` behind the next request, and takes nothing.
  func peek<Value>(at distance: UInt32, _ decode: (RawSpan) -> Value) -> Value {
    var slot = InlineArray<16, UInt8>(repeating: 0)
    var elements = slot.mutableSpan
    // SAFETY: as above.
    var bytes = unsafe elements.mutableBytes
    copyWaitingRequest(at: distance, into: &bytes)
    return decode(bytes.bytes)
  }

  /// Stages an answer.
  mutating func stage<Answer: NetAnswer>(_ answer: Answer) {
    var slot = InlineArray<16, UInt8>(repeating: 0)
    var elements = slot.mutableSpan
    // SAFETY: as above.
    var bytes = unsafe elements.mutableBytes
    answer.encode(into: &bytes)
    stage(bytes.bytes.extracting(0..<Answer.answerByteCount))
  }
}
