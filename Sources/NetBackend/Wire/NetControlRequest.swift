import RingTransport

/// A request of the control ring (`struct xen_netif_ctrl_request`), decoded from the private copy
/// and not yet judged.
///
/// Layout: identifier 0, type 2, three words of data 4, 8, 12.
struct NetControlRequest: Hashable, Sendable, BitwiseCopyable {
  /// `XEN_NETIF_CTRL_TYPE_*`.
  enum Kind: UInt16, CaseIterable, Sendable {
    case getHashFlags = 1
    case setHashFlags = 2
    case setHashKey = 3
    case getHashMappingSize = 4
    case setHashMappingSize = 5
    case setHashMapping = 6
    case setHashAlgorithm = 7
    case getGrantMappingSize = 8
    case addGrantMapping = 9
    case deleteGrantMapping = 10
  }

  /// The guest's own number for the request, given back in the response.
  var identifier: UInt16
  /// The type as it stands there, given back in the response.
  var type: UInt16
  /// What the data means depends on the type.
  var data: (UInt32, UInt32, UInt32) {
    get { (firstWord, secondWord, thirdWord) }
    set { (firstWord, secondWord, thirdWord) = newValue }
  }

  private var firstWord: UInt32
  private var secondWord: UInt32
  private var thirdWord: UInt32

  /// What is asked; nil for a type that the protocol does not have.
  var kind: Kind? { Kind(rawValue: type) }

  /// Decodes one slot of ``NetLimits/controlSlotByteCount`` bytes.
  init(slot: RawSpan) {
    identifier = slot.load(UInt16.self, at: 0)
    type = slot.load(UInt16.self, at: 2)
    firstWord = slot.load(UInt32.self, at: 4)
    secondWord = slot.load(UInt32.self, at: 8)
    thirdWord = slot.load(UInt32.self, at: 12)
  }
}
