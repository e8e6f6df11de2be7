/// The address of an Ethernet interface.
struct HardwareAddress: Hashable, CustomStringConvertible {
  /// Six bytes, as they go over the wire.
  let bytes: [UInt8]

  static let byteCount = 6

  /// Every backend's end of a guest's interface has this address: nobody talks to it, and being the
  /// highest there is, it never becomes the bridge's own.
  static let backendEnd = HardwareAddress(trusted: [0xFE, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF])
  static let broadcast = HardwareAddress(trusted: [UInt8](repeating: 0xFF, count: byteCount))

  private init(trusted bytes: [UInt8]) {
    self.bytes = bytes
  }

  /// Takes six bytes; nil for another count.
  init?(_ bytes: some Collection<UInt8>) {
    guard bytes.count == Self.byteCount else { return nil }
    self.bytes = Array(bytes)
  }

  /// Reads `00:16:3e:01:02:03`, with colons or hyphens; nil for anything else.
  init?(_ text: some StringProtocol) {
    let separator: Character = text.contains("-") ? "-" : ":"
    let parts = text.split(separator: separator, omittingEmptySubsequences: false)
    guard parts.count == Self.byteCount else { return nil }
    var bytes: [UInt8] = []
    for part in parts {
      // The integer's own parser would take a sign.
      guard part.utf8.count == 2, part.allSatisfy(\.isHexDigit), let byte = UInt8(part, radix: 16)
      else { return nil }
      bytes.append(byte)
    }
    self.bytes = bytes
  }

  /// With colons and small letters, as Linux writes it.
  var description: String {
    bytes.map { Text.hexadecimal($0) }.joined(separator: ":")
  }
}
