import RingTransport

/// Where the headers of an Ethernet frame lie.
///
/// Reads what a guest or anybody on the network wrote: every offset is checked before use, and the
/// work is bounded by ``largestExtensionCount``.
struct FrameHeaders: Hashable, Sendable, BitwiseCopyable {
  /// What the frame carries.
  enum Network: Hashable, Sendable {
    case ipv4
    case ipv6
    /// Anything else; there is no more to say about it.
    case other
  }

  /// What the IP packet carries.
  enum Transport: Hashable, Sendable {
    case tcp
    case udp
    /// Another protocol, a piece of a fragmented packet, or no IP at all.
    case other

    /// Where the checksum stands in the header, in bytes.
    var checksumOffset: Int? {
      switch self {
      case .tcp: 16
      case .udp: 6
      case .other: nil
      }
    }
  }

  /// Extension headers of an IPv6 packet that are followed. Each kind occurs at most once or twice
  /// in packets that mean well (RFC 8200, 4.1).
  static let largestExtensionCount = 8

  private(set) var network = Network.other
  private(set) var transport = Transport.other
  /// The type of what follows the Ethernet header and up to two VLAN tags.
  private(set) var etherType: UInt16 = 0
  /// Where the network header begins, in bytes from the start of the frame.
  private(set) var networkOffset = 0
  /// The number of the protocol that the IP packet carries (`IPPROTO_*`).
  private(set) var protocolNumber: UInt8 = 0
  /// Where the transport header begins: behind all that belongs to IP.
  private(set) var transportOffset = 0
  /// Size of the TCP header with its options, or of the UDP header, in bytes; otherwise 0.
  private(set) var transportHeaderByteCount = 0
  /// Size of the transport header and its data in bytes, as far as they are in the frame. Padding
  /// behind the IP packet does not count.
  private(set) var transportByteCount = 0
  /// The IP packet is a piece of a larger one.
  private(set) var isFragment = false

  /// Parses a frame.
  ///
  /// - Throws: when an IP or transport header is cut off or contradicts itself.
  init(_ frame: RawSpan) throws(FrameError) {
    guard frame.byteCount >= NetLimits.smallestPacketByteCount else { throw .truncated }
    var offset = 12
    etherType = frame.networkOrder(at: offset)
    offset += 2
    for _ in 0..<2 where etherType == 0x8100 || etherType == 0x88a8 {
      guard frame.byteCount >= offset + 4 else { throw .truncated }
      etherType = frame.networkOrder(at: offset + 2)
      offset += 4
    }
    networkOffset = offset
    transportOffset = offset
    switch etherType {
    case 0x0800: try parseIPv4(frame)
    case 0x86dd: try parseIPv6(frame)
    default: break
    }
  }

  /// The size of the frame at the start of `room`, as its own headers state it; nil where they do
  /// not.
  static func frameByteCount(_ room: RawSpan) -> Int? {
    do throws(FrameError) {
      let headers = try FrameHeaders(room)
      switch headers.network {
      case .ipv4, .ipv6: return headers.transportOffset + headers.transportByteCount
      // Addresses of four bytes in an ARP packet (RFC 826).
      case .other: return headers.etherType == 0x0806 ? headers.networkOffset + 28 : nil
      }
    } catch {
      return nil
    }
  }

  /// Everything in front of the transport's data, in bytes.
  var headerByteCount: Int { transportOffset + transportHeaderByteCount }

  private mutating func parseIPv4(_ frame: RawSpan) throws(FrameError) {
    let start = networkOffset
    guard frame.byteCount >= start + 20 else { throw .truncated }
    let first = frame.load(UInt8.self, at: start)
    guard first >> 4 == 4 else { throw .wrongVersion }
    let headerByteCount = Int(first & 0xf) * 4
    guard headerByteCount >= 20 else { throw .wrongLength }
    guard frame.byteCount >= start + headerByteCount else { throw .truncated }
    let stated = Int(frame.networkOrder(at: start + 2))
    // Zero is what segmentation hardware is given by some.
    guard stated >= headerByteCount || stated == 0 else { throw .wrongLength }
    let end = stated == 0 ? frame.byteCount : min(frame.byteCount, start + stated)
    network = .ipv4
    protocolNumber = frame.load(UInt8.self, at: start + 9)
    // More fragments, or an offset.
    isFragment = frame.networkOrder(at: start + 6) & 0x3fff != 0
    transportOffset = start + headerByteCount
    try parseTransport(frame, end: end)
  }

  private mutating func parseIPv6(_ frame: RawSpan) throws(FrameError) {
    let start = networkOffset
    guard frame.byteCount >= start + 40 else { throw .truncated }
    guard frame.load(UInt8.self, at: start) >> 4 == 6 else { throw .wrongVersion }
    let stated = Int(frame.networkOrder(at: start + 4))
    let end = stated == 0 ? frame.byteCount : min(frame.byteCount, start + 40 + stated)
    network = .ipv6
    protocolNumber = frame.load(UInt8.self, at: start + 6)
    transportOffset = start + 40
    var extensions = 0
    while !isFragment, let unit = Self.extensionUnit(of: protocolNumber) {
      guard extensions < Self.largestExtensionCount else { throw .tooManyExtensions }
      extensions += 1
      guard end >= transportOffset + 8 else { throw .truncated }
      let next = frame.load(UInt8.self, at: transportOffset)
      let length = Int(frame.load(UInt8.self, at: transportOffset + 1))
      switch unit {
      case .eightBytes: transportOffset += (length + 1) * 8
      case .fourBytes: transportOffset += (length + 2) * 4
      case .fragment:
        // One with neither an offset nor a successor is a whole packet (RFC 6946).
        isFragment = frame.networkOrder(at: transportOffset + 2) & 0xfff9 != 0
        transportOffset += 8
      }
      guard end >= transportOffset else { throw .truncated }
      protocolNumber = next
    }
    try parseTransport(frame, end: end)
  }

  /// How an extension header states its size.
  private enum ExtensionUnit {
    case eightBytes
    case fourBytes
    case fragment
  }

  /// Nil for what is no extension header, or hides what follows (ESP).
  private static func extensionUnit(of number: UInt8) -> ExtensionUnit? {
    switch number {
    case 0, 43, 60: .eightBytes
    case 51: .fourBytes
    case 44: .fragment
    default: nil
    }
  }

  private mutating func parseTransport(_ frame: RawSpan, end: Int) throws(FrameError) {
    transportByteCount = end - transportOffset
    guard !isFragment else { return }
    switch protocolNumber {
    case 6:
      guard transportByteCount >= 20 else { throw .truncated }
      let headerByteCount = Int(frame.load(UInt8.self, at: transportOffset + 12) >> 4) * 4
      guard headerByteCount >= 20 else { throw .wrongLength }
      guard transportByteCount >= headerByteCount else { throw .truncated }
      transport = .tcp
      transportHeaderByteCount = headerByteCount
    case 17:
      guard transportByteCount >= 8 else { throw .truncated }
      transport = .udp
      transportHeaderByteCount = 8
    default: break
    }
  }
}

/// Why a frame has no headers that anything could be done with.
enum FrameError: Error, Hashable, Sendable {
  /// A header ends behind the frame or behind its packet.
  case truncated
  /// An IP header is of another version than the Ethernet header says.
  case wrongVersion
  /// A header states a size in which it would not fit.
  case wrongLength
  /// More than ``FrameHeaders/largestExtensionCount``.
  case tooManyExtensions
}

extension RawSpan {
  /// Reads a 16-bit number in the order of the network. A range outside the span traps.
  func networkOrder(at offset: Int) -> UInt16 {
    load(UInt16.self, at: offset).byteSwapped
  }
}
