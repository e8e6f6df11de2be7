/// A position in a shared ring: a free-running 32-bit counter that wraps.
///
/// The slot is the index modulo the (power of two) number of slots. All arithmetic wraps, as
/// `RING_IDX` does in `xen/io/ring.h`; an ordinary `+` or `-` would trap once a ring has carried
/// 2^32 requests. There is no `<`: two positions are only comparable through their distance.
public struct RingIndex: Hashable, Sendable, BitwiseCopyable {
  /// The counter as it stands in shared memory.
  public let rawValue: UInt32

  /// Creates a position from the counter as it stands in shared memory.
  public init(rawValue: UInt32) {
    self.rawValue = rawValue
  }

  /// The position of a fresh ring.
  public static let zero = RingIndex(rawValue: 0)

  /// The position `count` slots further.
  public func advanced(by count: UInt32) -> RingIndex {
    RingIndex(rawValue: rawValue &+ count)
  }

  /// How many slots lie in `[start, self)`.
  ///
  /// Meaningful when `start` is known to be behind; a peer's lie shows as a count above the ring's
  /// size, which is what ``RingViolation`` is raised for.
  public func distance(from start: RingIndex) -> UInt32 {
    rawValue &- start.rawValue
  }

  /// The slot that this position names in a ring of `slotCount` slots (a power of two).
  public func slot(in slotCount: UInt32) -> Int {
    Int(rawValue & (slotCount &- 1))
  }
}
