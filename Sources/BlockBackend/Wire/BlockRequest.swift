import RingTransport

/// A request as it stood in the ring, decoded from the private copy and not yet judged.
///
/// `operation` is what the guest wants done and what the response must name: for an indirect
/// request that is the inner operation (frontends compare it). The segments of a direct request
/// stay where they are, in the copy of the slot (``BlockSegment/init(_:ofSlot:abi:)``).
struct BlockRequest: Sendable {
  /// The guest's own number for the request, given back in the response.
  var identifier: UInt64
  /// The operation byte to answer with.
  var responseOperation: UInt8
  /// What to do.
  var body: Body

  /// The forms a request can have.
  enum Body: Sendable {
    /// READ, WRITE, BARRIER, FLUSH: `segmentCount` is the guest's word, up to 255.
    case direct(BlockOperation, sector: UInt64, segmentCount: Int)
    /// READ or WRITE with the segments in `pages` of the guest.
    case indirect(
      BlockOperation, sector: UInt64, segmentCount: Int, pages: InlineArray<8, GrantReference>)
    /// DISCARD of `sectorCount` sectors.
    case discard(sector: UInt64, sectorCount: UInt64, secure: Bool)
    /// An operation that this backend does not know.
    case unknown
  }

  /// Decodes one slot.
  init(slot: RawSpan, abi: BlockABI) {
    identifier = slot.load(UInt64.self, at: abi.identifierOffset)
    let code = slot.load(UInt8.self, at: 0)
    responseOperation = code
    switch BlockOperation(rawValue: code) {
    case .read?: body = Self.direct(.read, slot, abi)
    case .write?: body = Self.direct(.write, slot, abi)
    case .writeBarrier?: body = Self.direct(.writeBarrier, slot, abi)
    case .flush?: body = Self.direct(.flush, slot, abi)
    case .discard?:
      body = .discard(
        sector: slot.load(UInt64.self, at: abi.sectorOffset),
        sectorCount: slot.load(UInt64.self, at: abi.payloadOffset),
        secure: slot.load(UInt8.self, at: 1) & 1 != 0)
    case .indirect?:
      responseOperation = slot.load(UInt8.self, at: 1)
      body = Self.indirect(slot, abi)
    case nil: body = .unknown
    }
  }

  private static func direct(
    _ operation: BlockOperation, _ slot: RawSpan, _ abi: BlockABI
  ) -> Body {
    .direct(
      operation, sector: slot.load(UInt64.self, at: abi.sectorOffset),
      segmentCount: Int(slot.load(UInt8.self, at: 1)))
  }

  private static func indirect(_ slot: RawSpan, _ abi: BlockABI) -> Body {
    let inner = BlockOperation(rawValue: slot.load(UInt8.self, at: 1))
    guard let inner, inner == .read || inner == .write else { return .unknown }
    var pages = InlineArray<8, GrantReference>(repeating: GrantReference(rawValue: 0))
    for index in pages.indices {
      pages[index] = GrantReference(
        rawValue: slot.load(UInt32.self, at: abi.payloadOffset + 4 + index * 4))
    }
    return .indirect(
      inner, sector: slot.load(UInt64.self, at: abi.sectorOffset),
      segmentCount: Int(slot.load(UInt16.self, at: 2)), pages: pages)
  }
}
