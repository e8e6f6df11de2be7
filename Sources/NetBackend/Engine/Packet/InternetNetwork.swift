internal import Glibc

/// An IP address, or all addresses that begin alike.
struct InternetNetwork: Hashable, Sendable {
  /// IPv4: the address in the lowest word, the others are zero. IPv6: the address, highest word
  /// first. Bits behind the prefix are zero.
  let words: [UInt32]
  /// Bits that all addresses have in common.
  let prefixLength: Int

  /// Whether it is IPv6.
  var isVersion6: Bool { words.count == 4 }
  /// Bits of an address.
  var addressLength: Int { words.count * 32 }

  /// Reads `192.0.2.1`, `192.0.2.0/24`, `2001:db8::1` or `2001:db8::/32`; nil for another text.
  init?(_ text: some StringProtocol) {
    let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
    guard let words = Self.words(of: String(parts[0])) else { return nil }
    var length = words.count * 32
    if parts.count == 2 {
      guard let number = UInt8(parts[1]), String(number) == parts[1], Int(number) <= length else {
        return nil
      }
      length = Int(number)
    }
    prefixLength = length
    self.words = words.indices.map { words[$0] & Self.mask(of: length, word: $0) }
  }

  /// The bits of word `index` that a prefix of `length` bits covers.
  static func mask(of length: Int, word index: Int) -> UInt32 {
    let covered = min(32, max(0, length - index * 32))
    return covered == 0 ? 0 : ~0 << UInt32(32 - covered)
  }

  private static func words(of text: String) -> [UInt32]? {
    guard !text.utf8.contains(0) else { return nil }
    let family = text.utf8.contains(UInt8(ascii: ":")) ? AF_INET6 : AF_INET
    var bytes = InlineArray<4, UInt32>(repeating: 0)
    var elements = bytes.mutableSpan
    // SAFETY: inet_pton reads the text to its end, and writes 4 or 16 bytes of the 16.
    let result = unsafe elements.withUnsafeMutableBytes { buffer in
      unsafe inet_pton(family, text, buffer.baseAddress)
    }
    guard result == 1 else { return nil }
    return (0..<(family == AF_INET ? 1 : 4)).map { UInt32(bigEndian: bytes[$0]) }
  }
}

extension InternetNetwork: CustomStringConvertible {
  /// As libpcap takes it behind `net`: all groups of an IPv6 address are written out.
  var description: String {
    let address =
      isVersion6
      ? words.flatMap { [$0 >> 16, $0 & 0xffff] }.map { String($0, radix: 16) }
        .joined(separator: ":")
      : stride(from: 24, through: 0, by: -8).map { String(words[0] >> UInt32($0) & 0xff) }
        .joined(separator: ".")
    return "\(address)/\(prefixLength)"
  }
}
