import RingTransport

/// One slot of a packet for the guest (`struct netif_rx_response`).
///
/// It has to be published in the ring slot of the request whose page it fills.
///
/// Layout: identifier 0, offset 2, flags 4, status 6.
struct NetReceiveResponse: Hashable, Sendable, BitwiseCopyable {
  /// `NETRXF_*`. The first two are the other way round than in the transmit ring.
  struct Flags: OptionSet, Hashable, Sendable, BitwiseCopyable {
    let rawValue: UInt16

    /// The transport checksum has been verified.
    static let dataValidated = Flags(rawValue: 1 << 0)
    /// The transport checksum holds the sum of the pseudo header only.
    static let checksumBlank = Flags(rawValue: 1 << 1)
    /// The packet goes on in the next slot that holds data.
    static let moreData = Flags(rawValue: 1 << 2)
    /// A ``NetExtraInfo`` follows.
    static let extraInfo = Flags(rawValue: 1 << 3)

    static let known: Flags = [.dataValidated, .checksumBlank, .moreData, .extraInfo]
  }

  /// The request's.
  var identifier: UInt16
  /// Where in the page the data begins, in bytes.
  var byteOffset: UInt16
  var flags: Flags
  /// The data's size in bytes, or a negative ``NetResponseStatus``.
  var status: Int16

  /// Answers with `byteCount` bytes of data, at most a page.
  init(identifier: UInt16, byteOffset: UInt16, flags: Flags, byteCount: Int) {
    precondition(byteCount >= 0 && Int(byteOffset) + byteCount <= xenPageByteCount)
    self.identifier = identifier
    self.byteOffset = byteOffset
    self.flags = flags
    status = Int16(byteCount)
  }

  /// Answers a request whose page could not be filled. The flags still say what follows.
  init(identifier: UInt16, flags: Flags, failure: NetResponseStatus) {
    self.identifier = identifier
    byteOffset = 0
    self.flags = flags
    status = failure.rawValue
  }

  /// Decodes what a backend may have written over a request; nil where a request stands.
  ///
  /// Flags and status take the place of the grant reference. For a slot with a packet's first bytes
  /// a reference from 917,504 on, where no guest has any; for a slot behind it, one from 65,536 on
  /// of which the low half is 0 or 4.
  ///
  /// - Parameter isFirst: whether a packet would begin here.
  init?(inheritedIn slot: RawSpan, isFirst: Bool) {
    identifier = slot.load(UInt16.self, at: 0)
    byteOffset = slot.load(UInt16.self, at: 2)
    flags = Flags(rawValue: slot.load(UInt16.self, at: 4))
    status = slot.load(Int16.self, at: 6)
    guard flags.isSubset(of: isFirst ? .known : .moreData) else { return nil }
    if status == NetResponseStatus.error.rawValue { return }
    let byteCount = Int(status)
    guard byteCount >= (isFirst ? NetLimits.smallestPacketByteCount : 1),
      Int(byteOffset) + byteCount <= xenPageByteCount
    else { return nil }
  }

  /// Writes all bytes of a slot of ``NetLimits/receiveSlotByteCount`` bytes.
  func encode(into slot: inout MutableRawSpan) {
    slot.store(identifier, at: 0)
    slot.store(byteOffset, at: 2)
    slot.store(flags.rawValue, at: 4)
    slot.store(status, at: 6)
  }
}
