import RingTransport

/// The answer to a request of the control ring (`struct xen_netif_ctrl_response`).
///
/// Layout: identifier 0, type 2, status 4, data 8; four bytes of padding, which are zero, up to the
/// size of the slot.
struct NetControlResponse: Hashable, Sendable, BitwiseCopyable {
  /// `XEN_NETIF_CTRL_STATUS_*`.
  enum Status: UInt32, Sendable {
    case success = 0
    case notSupported = 1
    case invalidParameter = 2
    case bufferOverflow = 3
  }

  /// The request's.
  var identifier: UInt16
  /// The request's, known or not.
  var type: UInt16
  var status: Status
  /// What the guest asked for; zero where it asked for nothing.
  var data: UInt32

  /// Answers `request`.
  init(to request: NetControlRequest, _ status: Status, data: UInt32 = 0) {
    identifier = request.identifier
    type = request.type
    self.status = status
    self.data = data
  }

  /// Writes all bytes of a slot of ``NetLimits/controlSlotByteCount`` bytes.
  func encode(into slot: inout MutableRawSpan) {
    slot.store(identifier, at: 0)
    slot.store(type, at: 2)
    slot.store(status.rawValue, at: 4)
    slot.store(data, at: 8)
    slot.store(UInt32(0), at: 12)
  }
}
