import RingTransport

/// A slot of the transmit ring as the guest wrote it, decoded from the private copy and not yet
/// judged (`struct netif_tx_request`).
///
/// Layout: grant reference 0, offset 4, flags 6, identifier 8, size 10.
struct NetTransmitRequest: Hashable, Sendable, BitwiseCopyable {
  /// `NETTXF_*`. Not the numbers of the receive ring.
  struct Flags: OptionSet, Hashable, Sendable, BitwiseCopyable {
    let rawValue: UInt16

    /// The transport checksum holds the sum of the pseudo header only; somebody has to finish it.
    static let checksumBlank = Flags(rawValue: 1 << 0)
    /// The transport checksum has been verified.
    static let dataValidated = Flags(rawValue: 1 << 1)
    /// The packet goes on in the next slot that holds data.
    static let moreData = Flags(rawValue: 1 << 2)
    /// A ``NetExtraInfo`` follows. Counts in the first slot of a packet only.
    static let extraInfo = Flags(rawValue: 1 << 3)
  }

  /// The guest's page that holds the data.
  var grantReference: GrantReference
  /// Where in the page the data begins, in bytes.
  var byteOffset: UInt16
  var flags: Flags
  /// The guest's own number for the slot, given back in the response.
  var identifier: UInt16
  /// Size in bytes: in a packet's first slot that of the whole packet, in the others that of the
  /// slot's data.
  var byteCount: UInt16

  /// Decodes one slot of ``NetLimits/transmitSlotByteCount`` bytes.
  init(slot: RawSpan) {
    grantReference = GrantReference(rawValue: slot.load(UInt32.self, at: 0))
    byteOffset = slot.load(UInt16.self, at: 4)
    flags = Flags(rawValue: slot.load(UInt16.self, at: 6))
    identifier = slot.load(UInt16.self, at: 8)
    byteCount = slot.load(UInt16.self, at: 10)
  }

  /// Whether a response may have been written over the slot that was decoded. It replaces the grant
  /// reference and nothing else, so a request whose reference happens to look like its own answer
  /// cannot be told from it.
  var looksAnswered: Bool {
    let status = Int16(truncatingIfNeeded: grantReference.rawValue >> 16)
    return UInt16(truncatingIfNeeded: grantReference.rawValue) == identifier
      && NetResponseStatus(rawValue: status) != nil
  }
}
