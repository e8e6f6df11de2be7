/// A frame with what a network device says about it: what must come out at one end as it went in at
/// the other.
package struct NetPacket: Hashable, Sendable {
  /// What is known of the transport protocol's checksum.
  package enum Checksum: Hashable, Sendable {
    /// Nothing: it is in the frame, right or wrong.
    case unknown
    /// It is in the frame, and somebody found it right.
    case validated
    /// Only the sum of the pseudo header is in the frame.
    case blank
  }

  /// A frame that stands for several segments.
  package struct Segmentation: Hashable, Sendable {
    /// Whether the segments are TCP over IPv6; over IPv4 otherwise.
    package var isVersion6: Bool
    /// The largest payload of a segment, in bytes.
    package var byteCount: UInt16

    /// Describes segments.
    package init(isVersion6: Bool, byteCount: UInt16) {
      self.isVersion6 = isVersion6
      self.byteCount = byteCount
    }
  }

  /// The hash by which the sender chose a queue.
  package struct Hash: Hashable, Sendable {
    /// Index of the hash type's bit (`_XEN_NETIF_CTRL_HASH_TYPE_*`).
    package var type: UInt8
    /// `XEN_NETIF_CTRL_HASH_ALGORITHM_*`
    package var algorithm: UInt8
    /// The hash.
    package var value: UInt32

    /// Describes a hash.
    package init(type: UInt8, algorithm: UInt8 = 1, value: UInt32) {
      self.type = type
      self.algorithm = algorithm
      self.value = value
    }
  }

  /// The frame, from the destination's address on, without a check sequence.
  package var bytes: [UInt8]
  package var checksum = Checksum.unknown
  package var segmentation: Segmentation?
  package var hash: Hash?

  /// A frame of which nothing is known.
  package init(_ bytes: [UInt8]) {
    self.bytes = bytes
  }

  /// A digest for messages of failures.
  package var summary: String {
    let head = bytes.prefix(16).map { String($0, radix: 16) }.joined(separator: " ")
    return "\(bytes.count) bytes (\(head) ...), checksum \(checksum), "
      + "segmentation \(segmentation.map { "\($0)" } ?? "none")"
  }
}

/// What one end of a network device says it can take.
package struct GuestFeatures: Hashable, Sendable {
  /// Frames in more than one slot (`feature-sg`).
  package var scatterGather = true
  /// TCP segmentation over IPv4 (`feature-gso-tcpv4`).
  package var segmentation4 = true
  /// TCP segmentation over IPv6 (`feature-gso-tcpv6`).
  package var segmentation6 = true
  /// Blank checksums over IPv4 (not `feature-no-csum-offload`).
  package var checksum4 = true
  /// Blank checksums over IPv6 (`feature-ipv6-csum-offload`).
  package var checksum6 = true
  /// Bytes to leave free in front of received data (`xdp-headroom`).
  package var headroomByteCount = 0
  /// Hashes on received frames, which a frontend asks for on its control ring.
  package var hashes = false

  /// All that Linux's frontend offers by default.
  package init() {}

  /// Nothing beyond frames in one slot with their checksums done.
  package static var none: GuestFeatures {
    var features = GuestFeatures()
    features.scatterGather = false
    features.segmentation4 = false
    features.segmentation6 = false
    features.checksum4 = false
    features.checksum6 = false
    return features
  }
}
