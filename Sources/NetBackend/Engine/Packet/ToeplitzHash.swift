import RingTransport

/// The fields of a packet that a hash is calculated over (`XEN_NETIF_CTRL_HASH_TYPE_*`).
struct NetHashTypes: OptionSet, Hashable, Sendable, BitwiseCopyable {
  let rawValue: UInt32

  /// Addresses of an IPv4 packet.
  static let ipv4 = NetHashTypes(rawValue: 1 << 0)
  /// Addresses and ports of a TCP packet over IPv4.
  static let ipv4TCP = NetHashTypes(rawValue: 1 << 1)
  /// Addresses of an IPv6 packet.
  static let ipv6 = NetHashTypes(rawValue: 1 << 2)
  /// Addresses and ports of a TCP packet over IPv6.
  static let ipv6TCP = NetHashTypes(rawValue: 1 << 3)
  /// All that can be calculated here.
  static let supported: NetHashTypes = [.ipv4, .ipv4TCP, .ipv6, .ipv6TCP]
}

/// A packet's hash, and over which fields it goes.
struct PacketHash: Hashable, Sendable, BitwiseCopyable {
  /// The type's bit, as ``NetExtraInfo`` states it.
  var type: UInt8
  var value: UInt32

  /// As an extra of the packet; 1 is Toeplitz.
  var extra: NetExtraInfo.Content { .hash(type: type, algorithm: 1, value: value) }
}

/// The hash by which packets are spread over queues, with one key
/// (`XEN_NETIF_CTRL_HASH_ALGORITHM_TOEPLITZ`).
///
/// Every bit of the input contributes the 32 bits of the key that begin at its place. What four of
/// them contribute together is looked up: 72 look-ups for the longest input.
struct ToeplitzHash: Sendable {
  /// The longest input in bytes: two IPv6 addresses and two ports.
  private static let inputByteCount = 36
  /// For each half of each byte of the input, what its 16 values contribute.
  private let contributions: [UInt32]

  /// Prepares a key of at most ``NetLimits/hashKeyByteCount`` bytes; what it lacks is zero.
  init(key: [UInt8]) {
    precondition(key.count <= NetLimits.hashKeyByteCount)
    var contributions = [UInt32](repeating: 0, count: Self.inputByteCount * 2 * 16)
    for half in 0..<Self.inputByteCount * 2 {
      // The bits of the key from the half's first on, in the upper end of a word.
      var window: UInt64 = 0
      for index in half / 2..<half / 2 + 8 {
        window = window << 8 | UInt64(index < key.count ? key[index] : 0)
      }
      window <<= UInt64(half % 2 * 4)
      for value in 0..<16 {
        var sum: UInt32 = 0
        for bit in 0..<4 where value >> (3 - bit) & 1 != 0 {
          sum ^= UInt32(truncatingIfNeeded: (window << UInt64(bit)) >> 32)
        }
        contributions[half * 16 + value] = sum
      }
    }
    self.contributions = contributions
  }

  /// The hash of a packet over the most fields that `types` allows for its kind; nil when it
  /// allows none.
  ///
  /// - Parameter headers: of the frame.
  func hash(of frame: RawSpan, _ headers: FrameHeaders, types: NetHashTypes) -> PacketHash? {
    let start = headers.networkOffset
    let addresses: Range<Int>
    let kinds: (plain: NetHashTypes, withPorts: NetHashTypes)
    switch headers.network {
    case .ipv4:
      addresses = start + 12..<start + 20
      kinds = (.ipv4, .ipv4TCP)
    case .ipv6:
      addresses = start + 8..<start + 40
      kinds = (.ipv6, .ipv6TCP)
    case .other: return nil
    }
    if headers.transport == .tcp, types.contains(kinds.withPorts) {
      var value = sum(of: frame, addresses, at: 0)
      let ports = headers.transportOffset..<headers.transportOffset + 4
      value ^= sum(of: frame, ports, at: addresses.count)
      return PacketHash(type: Self.bit(of: kinds.withPorts), value: value)
    }
    guard types.contains(kinds.plain) else { return nil }
    return PacketHash(
      type: Self.bit(of: kinds.plain), value: sum(of: frame, addresses, at: 0))
  }

  /// The contribution of `range` of the frame, which stands at `position` of the input.
  private func sum(of frame: RawSpan, _ range: Range<Int>, at position: Int) -> UInt32 {
    var value: UInt32 = 0
    var row = position * 32
    for offset in range {
      let byte = Int(frame.load(UInt8.self, at: offset))
      value ^= contributions[row + (byte >> 4)] ^ contributions[row + 16 + (byte & 0xf)]
      row += 32
    }
    return value
  }

  private static func bit(of type: NetHashTypes) -> UInt8 {
    UInt8(type.rawValue.trailingZeroBitCount)
  }
}
