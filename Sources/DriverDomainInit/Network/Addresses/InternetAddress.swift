import Glibc

/// An IPv4 or IPv6 address.
struct InternetAddress: Hashable, CustomStringConvertible {
  /// Four or sixteen bytes, as they go over the wire.
  let bytes: [UInt8]

  /// Takes the bytes of an address; nil for another count than 4 or 16.
  init?(_ bytes: some Collection<UInt8>) {
    guard bytes.count == 4 || bytes.count == 16 else { return nil }
    self.bytes = Array(bytes)
  }

  /// An IPv4 address as a number, the first byte highest.
  init(v4 number: UInt32) {
    bytes = [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: number >> $0) }
  }

  /// Reads an address in its usual form (`inet_pton(3)`); IPv6 may stand in brackets.
  init?(_ text: String) {
    var plain = text
    if text.hasPrefix("["), text.hasSuffix("]") { plain = String(text.dropFirst().dropLast()) }
    let isIPv6 = plain.contains(":")
    var bytes = [UInt8](repeating: 0, count: isIPv6 ? 16 : 4)
    // SAFETY: the call writes 4 or 16 bytes, as many as the array has for the family.
    let result = unsafe bytes.withUnsafeMutableBytes {
      unsafe inet_pton(isIPv6 ? AF_INET6 : AF_INET, plain, $0.baseAddress)
    }
    guard result == 1, isIPv6 || !text.hasPrefix("[") else { return nil }
    self.bytes = bytes
  }

  var isIPv6: Bool { bytes.count == 16 }

  /// The family's number for the kernel.
  var family: UInt8 { UInt8(isIPv6 ? AF_INET6 : AF_INET) }

  /// An IPv4 address as a number, the first byte highest; nil for IPv6.
  var v4Number: UInt32? {
    isIPv6 ? nil : bytes.reduce(0) { $0 << 8 | UInt32($1) }
  }

  /// The usual form (`inet_ntop(3)`).
  var description: String {
    var text = [UInt8](repeating: 0, count: Int(INET6_ADDRSTRLEN))
    // SAFETY: the call reads as many bytes as the family has, and writes at most the given count.
    let isDone = unsafe text.withUnsafeMutableBytes { buffer in
      unsafe bytes.withUnsafeBytes { source in
        let start = unsafe buffer.baseAddress?.assumingMemoryBound(to: CChar.self)
        guard let start = unsafe start else { return false }
        return unsafe inet_ntop(
          Int32(family), source.baseAddress, start, socklen_t(buffer.count)) != nil
      }
    }
    precondition(isDone, "every address has a text")
    return String(decoding: text.prefix { $0 != 0 }, as: UTF8.self)
  }
}

/// An address of an interface with the length of its network's prefix.
struct InterfaceAddress: Hashable, CustomStringConvertible {
  let address: InternetAddress
  /// Bits, 1 to 32 or 128.
  let prefixLength: Int

  /// Joins both; nil where the prefix is longer than the address, or empty.
  init?(_ address: InternetAddress, prefixLength: Int) {
    guard (1...address.bytes.count * 8).contains(prefixLength) else { return nil }
    self.address = address
    self.prefixLength = prefixLength
  }

  /// Reads `192.0.2.7/24` or `[2001:db8::7]/64`.
  init?(_ text: String) {
    let parts = text.split(separator: "/", omittingEmptySubsequences: false)
    guard parts.count == 2, let address = InternetAddress(String(parts[0])),
      let length = Int(parts[1]), String(length) == parts[1]
    else { return nil }
    self.init(address, prefixLength: length)
  }

  var description: String { "\(address)/\(prefixLength)" }

  /// The broadcast address of an IPv4 network; nil for IPv6 and for networks too small for one.
  var broadcast: InternetAddress? {
    guard let number = address.v4Number, prefixLength < 31 else { return nil }
    return InternetAddress(v4: number | UInt32.max >> UInt32(prefixLength))
  }

  /// Whether another address is in the same network.
  func contains(_ other: InternetAddress) -> Bool {
    guard other.bytes.count == address.bytes.count else { return false }
    for (index, (mine, theirs)) in zip(address.bytes, other.bytes).enumerated() {
      let bits = min(8, max(0, prefixLength - index * 8))
      if (mine ^ theirs) & ~UInt8(truncatingIfNeeded: 0xFF >> bits) != 0 { return false }
    }
    return true
  }
}
