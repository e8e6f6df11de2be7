import RingTransport

/// The network protocol's answers, encoded into whole slots.
extension BackRing {
  /// Stages the answer to a slot of the transmit ring. What the guest wrote behind it stays: should
  /// this process die before the answer is seen, the next one finds the packet's extent there.
  mutating func stage(_ response: NetTransmitResponse) {
    var slot = InlineArray<12, UInt8>(repeating: 0)
    var elements = slot.mutableSpan
    // SAFETY: the raw bytes of initialised integers; every bit pattern is one.
    var bytes = unsafe elements.mutableBytes
    response.encode(into: &bytes)
    stage(bytes.bytes.extracting(0..<NetTransmitResponse.byteCount))
  }

  /// Stages a slot of a packet in the receive ring.
  mutating func stage(_ response: NetReceiveResponse) {
    var slot = InlineArray<8, UInt8>(repeating: 0)
    var elements = slot.mutableSpan
    // SAFETY: the raw bytes of initialised integers; every bit pattern is one.
    var bytes = unsafe elements.mutableBytes
    response.encode(into: &bytes)
    stage(bytes.bytes)
  }

  /// Stages an extra of a packet in the receive ring. It takes the place of a response.
  mutating func stage(_ extra: NetExtraInfo) {
    var slot = InlineArray<8, UInt8>(repeating: 0)
    var elements = slot.mutableSpan
    // SAFETY: the raw bytes of initialised integers; every bit pattern is one.
    var bytes = unsafe elements.mutableBytes
    extra.encode(into: &bytes)
    stage(bytes.bytes)
  }

  /// Stages the answer to a request of the control ring.
  mutating func stage(_ response: NetControlResponse) {
    var slot = InlineArray<16, UInt8>(repeating: 0)
    var elements = slot.mutableSpan
    // SAFETY: the raw bytes of initialised integers; every bit pattern is one.
    var bytes = unsafe elements.mutableBytes
    response.encode(into: &bytes)
    stage(bytes.bytes)
  }
}
