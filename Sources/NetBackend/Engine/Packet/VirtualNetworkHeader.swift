import RingTransport

/// What Linux wants to know about a packet that it takes, and says about one that it gives: in
/// front of the frame on a TAP device with `IFF_VNET_HDR` (`struct virtio_net_hdr`).
///
/// Ten bytes, little-endian as the machine: flags 0, segmentation type 1, header size 2, segment
/// size 4, checksum start 6, checksum offset 8.
struct VirtualNetworkHeader: Hashable, Sendable, BitwiseCopyable {
  /// `VIRTIO_NET_HDR_F_*`.
  struct Flags: OptionSet, Hashable, Sendable, BitwiseCopyable {
    let rawValue: UInt8

    /// The transport checksum is to be finished from `checksumStart` on.
    static let needsChecksum = Flags(rawValue: 1)
    /// The transport checksum has been verified.
    static let dataValid = Flags(rawValue: 2)
  }

  /// `VIRTIO_NET_HDR_GSO_*`: how the packet is to be cut into segments.
  struct Segmentation: RawRepresentable, Hashable, Sendable, BitwiseCopyable {
    let rawValue: UInt8

    static let none = Segmentation(rawValue: 0)
    static let tcpOverIPv4 = Segmentation(rawValue: 1)
    /// UDP by IP fragments.
    static let udpFragments = Segmentation(rawValue: 3)
    static let tcpOverIPv6 = Segmentation(rawValue: 4)
    /// UDP by datagrams.
    static let udpSegments = Segmentation(rawValue: 5)

    /// Added to a TCP type: the window-reduced flag of the header belongs to the first segment
    /// only (`VIRTIO_NET_HDR_GSO_ECN`).
    var withCongestionWindowReduced: Segmentation { Segmentation(rawValue: rawValue | 0x80) }
    /// Without that addition.
    var kind: Segmentation { Segmentation(rawValue: rawValue & 0x7f) }
  }

  /// Size in bytes.
  static let byteCount = 10

  var flags: Flags = []
  var segmentation = Segmentation.none
  /// Of a packet to be segmented, the size of all headers in bytes; a hint.
  var headerByteCount: UInt16 = 0
  /// Of a packet to be segmented, the payload of a segment in bytes.
  var segmentByteCount: UInt16 = 0
  /// Where the checksummed bytes begin, in bytes from the start of the frame. They go to its end.
  var checksumStart: UInt16 = 0
  /// Where, behind `checksumStart`, the checksum stands, in bytes.
  var checksumOffset: UInt16 = 0

  /// Nothing to be done.
  init() {}

  /// Decodes the first bytes of `bytes`, of which there are at least ``byteCount``.
  init(_ bytes: RawSpan) {
    flags = Flags(rawValue: bytes.load(UInt8.self, at: 0))
    segmentation = Segmentation(rawValue: bytes.load(UInt8.self, at: 1))
    headerByteCount = bytes.load(UInt16.self, at: 2)
    segmentByteCount = bytes.load(UInt16.self, at: 4)
    checksumStart = bytes.load(UInt16.self, at: 6)
    checksumOffset = bytes.load(UInt16.self, at: 8)
  }

  /// Writes the first ``byteCount`` bytes of `bytes`.
  func encode(into bytes: inout MutableRawSpan) {
    bytes.store(flags.rawValue, at: 0)
    bytes.store(segmentation.rawValue, at: 1)
    bytes.store(headerByteCount, at: 2)
    bytes.store(segmentByteCount, at: 4)
    bytes.store(checksumStart, at: 6)
    bytes.store(checksumOffset, at: 8)
  }
}
