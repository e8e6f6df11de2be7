import RingTransport

/// What a packet needs told beside its data: a slot of its own, behind the packet's first
/// (`struct netif_extra_info`).
///
/// Eight bytes, in a slot of either ring: type 0, flags 1, and from 2 what the type says. In a slot
/// of the transmit ring four bytes of padding follow.
struct NetExtraInfo: Hashable, Sendable, BitwiseCopyable {
  /// By type, `XEN_NETIF_EXTRA_TYPE_*`. Numbers are the guest's, not yet judged.
  enum Content: Hashable, Sendable, BitwiseCopyable {
    /// Type 1: the packet is to be cut into segments with at most `size` bytes of payload each.
    /// Layout: size 2, type 4, padding 5, features 6 (no frontend knows any).
    case segmentation(size: UInt16, type: UInt8, features: UInt16)
    /// Type 2: the guest wants frames to this group. The packet is no packet.
    case multicastAdd(EthernetAddress)
    /// Type 3: no longer.
    case multicastDelete(EthernetAddress)
    /// Type 4: the packet's hash, and over which fields with which algorithm it was calculated.
    /// Layout: type 2, algorithm 3, value 4. The type is the bit's number
    /// (`_XEN_NETIF_CTRL_HASH_TYPE_*`).
    case hash(type: UInt8, algorithm: UInt8, value: UInt32)
    /// Type 5, of Linux's netif.h only: so many bytes are free in front of the data in each of the
    /// packet's pages. Layout: headroom 2.
    case expressDataPath(headroomByteCount: UInt16)
    /// A type that this backend does not know; 0 is none.
    case unknown(type: UInt8)
  }

  /// Size in bytes, in either ring.
  static let byteCount = 8

  var content: Content
  /// Another one follows (`XEN_NETIF_EXTRA_FLAG_MORE`).
  var hasMore: Bool

  init(_ content: Content, hasMore: Bool) {
    self.content = content
    self.hasMore = hasMore
  }

  /// Decodes the first eight bytes of a slot.
  init(slot: RawSpan) {
    hasMore = slot.load(UInt8.self, at: 1) & 1 != 0
    switch slot.load(UInt8.self, at: 0) {
    case 1:
      content = .segmentation(
        size: slot.load(UInt16.self, at: 2), type: slot.load(UInt8.self, at: 4),
        features: slot.load(UInt16.self, at: 6))
    case 2: content = .multicastAdd(EthernetAddress(in: slot, at: 2))
    case 3: content = .multicastDelete(EthernetAddress(in: slot, at: 2))
    case 4:
      content = .hash(
        type: slot.load(UInt8.self, at: 2), algorithm: slot.load(UInt8.self, at: 3),
        value: slot.load(UInt32.self, at: 4))
    case 5: content = .expressDataPath(headroomByteCount: slot.load(UInt16.self, at: 2))
    case let type: content = .unknown(type: type)
    }
  }

  /// Decodes what a backend may have written over a request of the receive ring; nil where a
  /// request stands.
  ///
  /// What is in the place of the grant reference is none: Xen keeps the first eight for itself, and
  /// no guest has as many as a hash makes a number.
  init?(inheritedIn slot: RawSpan) {
    guard slot.load(UInt8.self, at: 1) <= 1 else { return nil }
    self.init(slot: slot)
    let reference = slot.load(UInt32.self, at: 4)
    switch content {
    case .segmentation(size: 1..., _, _) where reference == 1 || reference == 2: break
    case .hash(_, algorithm: 1, _) where reference >= 1 << 20: break
    case .expressDataPath where reference == 0: break
    default: return nil
    }
  }

  /// The byte that names the content.
  var type: UInt8 {
    switch content {
    case .segmentation: 1
    case .multicastAdd: 2
    case .multicastDelete: 3
    case .hash: 4
    case .expressDataPath: 5
    case .unknown(let type): type
    }
  }

  /// Writes all bytes of a slot of either ring.
  func encode(into slot: inout MutableRawSpan) {
    for offset in stride(from: 0, to: slot.byteCount, by: 4) { slot.store(UInt32(0), at: offset) }
    slot.store(type, at: 0)
    slot.store(UInt8(hasMore ? 1 : 0), at: 1)
    switch content {
    case .segmentation(let size, let type, let features):
      slot.store(size, at: 2)
      slot.store(type, at: 4)
      slot.store(features, at: 6)
    case .multicastAdd(let address), .multicastDelete(let address):
      address.encode(into: &slot, at: 2)
    case .hash(let type, let algorithm, let value):
      slot.store(type, at: 2)
      slot.store(algorithm, at: 3)
      slot.store(value, at: 4)
    case .expressDataPath(let headroomByteCount): slot.store(headroomByteCount, at: 2)
    case .unknown: break
    }
  }
}

/// `XEN_NETIF_GSO_TYPE_*`: how the segments of a packet are made.
enum NetSegmentationType: UInt8, Sendable {
  case none = 0
  case tcpOverIPv4 = 1
  case tcpOverIPv6 = 2
}
