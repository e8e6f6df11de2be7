import RingTransport

/// A page that the guest offers for received data (`struct netif_rx_request`), decoded from the
/// private copy.
///
/// Layout: identifier 0, padding 2, grant reference 4.
struct NetReceiveRequest: Hashable, Sendable, BitwiseCopyable {
  /// The guest's own number for the page, given back in the response.
  var identifier: UInt16
  var grantReference: GrantReference

  /// A request.
  init(identifier: UInt16, grantReference: GrantReference) {
    self.identifier = identifier
    self.grantReference = grantReference
  }

  /// Decodes one slot of ``NetLimits/receiveSlotByteCount`` bytes.
  init(slot: RawSpan) {
    identifier = slot.load(UInt16.self, at: 0)
    grantReference = GrantReference(rawValue: slot.load(UInt32.self, at: 4))
  }
}
