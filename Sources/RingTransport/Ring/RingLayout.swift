/// Where things lie in a shared ring page (`DEFINE_RING_TYPES` in `xen/io/ring.h`).
///
/// Bytes: `req_prod` 0, `req_event` 4, `rsp_prod` 8, `rsp_event` 12, private 16..<64, slots from
/// 64. A slot is a union of request and response; the number of slots is a power of two.
public struct RingLayout: Hashable, Sendable {
  /// Byte offset of the frontend's count of requests produced.
  public static let requestProducerOffset = 0
  /// Byte offset of the count of requests at which the backend wants an event.
  public static let requestEventOffset = 4
  /// Byte offset of the backend's count of responses produced.
  public static let responseProducerOffset = 8
  /// Byte offset of the count of responses at which the frontend wants an event.
  public static let responseEventOffset = 12
  /// Byte offset of slot 0.
  public static let slotsOffset = 64

  /// Size of one slot in bytes.
  public let slotByteCount: Int
  /// Number of slots, a power of two (`__RING_SIZE`).
  public let slotCount: UInt32

  /// The layout of a ring of `pageCount` pages (at least one) with slots of `slotByteCount` bytes.
  public init(pageCount: Int, slotByteCount: Int) {
    precondition(pageCount > 0 && slotByteCount > 0)
    let fitting = (pageCount * xenPageByteCount - Self.slotsOffset) / slotByteCount
    precondition(fitting > 0 && fitting <= Int(UInt32.max >> 1))
    self.slotByteCount = slotByteCount
    self.slotCount = 1 << UInt32(Int.bitWidth - 1 - fitting.leadingZeroBitCount)
  }

  /// A layout of any number of slots, a power of two: rings small enough to try all that can
  /// happen.
  package init(slotCount: UInt32, slotByteCount: Int) {
    precondition(slotCount > 0 && slotCount.nonzeroBitCount == 1 && slotByteCount > 0)
    self.slotByteCount = slotByteCount
    self.slotCount = slotCount
  }

  /// Byte offset of the slot that `index` names.
  public func slotOffset(of index: RingIndex) -> Int {
    Self.slotsOffset + index.slot(in: slotCount) * slotByteCount
  }
}
