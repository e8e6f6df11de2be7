import RingTransport

/// The answer to one slot of the transmit ring (`struct netif_tx_response`).
///
/// Layout: identifier 0, status 2; the rest of the slot is padding, which is zero (XSA-216).
struct NetTransmitResponse: Hashable, Sendable, BitwiseCopyable {
  /// Size of what is not padding, in bytes.
  static let byteCount = 4

  /// The request's.
  var identifier: UInt16
  var status: NetResponseStatus

  init(identifier: UInt16, status: NetResponseStatus) {
    self.identifier = identifier
    self.status = status
  }

  /// Writes all bytes of a slot of ``NetLimits/transmitSlotByteCount`` bytes.
  func encode(into slot: inout MutableRawSpan) {
    slot.store(identifier, at: 0)
    slot.store(status.rawValue, at: 2)
    slot.store(UInt64(0), at: 4)
  }
}
