/// The CRC of a GPT (polynomial 0xEDB88320, reflected, as in zlib).
enum CRC32 {
  private static let table: [UInt32] = (0..<256).map { index in
    var value = UInt32(index)
    for _ in 0..<8 {
      value = value & 1 == 1 ? (value >> 1) ^ 0xEDB8_8320 : value >> 1
    }
    return value
  }

  /// The checksum of all bytes.
  static func checksum(_ bytes: some Sequence<UInt8>) -> UInt32 {
    var value = UInt32.max
    for byte in bytes {
      value = (value >> 8) ^ table[Int((value ^ UInt32(byte)) & 0xFF)]
    }
    return ~value
  }
}
