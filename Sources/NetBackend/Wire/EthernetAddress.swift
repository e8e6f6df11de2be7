import RingTransport

/// A hardware address of Ethernet: six octets, the first of the wire first.
struct EthernetAddress: Hashable, Sendable, BitwiseCopyable {
  /// The octets as one number of 48 bits, the first octet highest.
  let rawValue: UInt64

  /// The address that every station takes.
  static let broadcast = EthernetAddress(truncating: 0xffff_ffff_ffff)

  /// Size on the wire, in bytes.
  static let byteCount = 6

  /// Takes the lowest 48 bits of a number.
  init(truncating number: UInt64) {
    rawValue = number & 0xffff_ffff_ffff
  }

  /// Reads the six bytes at `offset`. A range outside the span traps: the offsets are ours.
  init(in bytes: RawSpan, at offset: Int) {
    let high = UInt64(bytes.load(UInt16.self, at: offset).byteSwapped)
    let low = UInt64(bytes.load(UInt32.self, at: offset + 2).byteSwapped)
    rawValue = high << 32 | low
  }

  /// Reads `00:16:3e:12:34:56`, in either case; nil for any other text.
  init?(_ text: some StringProtocol) {
    var number: UInt64 = 0
    var octets = 0
    for part in text.split(separator: ":", omittingEmptySubsequences: false) {
      guard part.utf8.count == 2, part.utf8.first != UInt8(ascii: "+"),
        let octet = UInt8(part, radix: 16), octets < Self.byteCount
      else { return nil }
      number = number << 8 | UInt64(octet)
      octets += 1
    }
    guard octets == Self.byteCount else { return nil }
    rawValue = number
  }

  /// Writes the six bytes at `offset`. A range outside the span traps.
  func encode(into bytes: inout MutableRawSpan, at offset: Int) {
    bytes.store(UInt16(truncatingIfNeeded: rawValue >> 32).byteSwapped, at: offset)
    bytes.store(UInt32(truncatingIfNeeded: rawValue).byteSwapped, at: offset + 2)
  }

  /// Whether it names a group of stations; the broadcast address does.
  var isMulticast: Bool { rawValue >> 40 & 1 != 0 }
}

extension EthernetAddress: CustomStringConvertible {
  /// `00:16:3e:12:34:56`.
  var description: String {
    stride(from: 40, through: 0, by: -8).map { shift in
      let octet = UInt8(truncatingIfNeeded: rawValue >> UInt64(shift))
      return (octet < 16 ? "0" : "") + String(octet, radix: 16)
    }.joined(separator: ":")
  }
}
