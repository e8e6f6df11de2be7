/// Reads little-endian integers out of bytes of a disk, which anybody may have written.
struct LittleEndianBytes {
  private let bytes: ArraySlice<UInt8>

  init(_ bytes: ArraySlice<UInt8>) {
    self.bytes = bytes
  }

  var count: Int { bytes.count }

  /// The integer at an offset from the start, or nil when it is not all there.
  func integer<Value: FixedWidthInteger & UnsignedInteger>(
    at offset: Int, as type: Value.Type
  ) -> Value? {
    guard let field = self[offset, Value.bitWidth / 8] else { return nil }
    return field.reversed().reduce(0) { ($0 << 8) | Value($1) }
  }

  /// `count` bytes at an offset, or nil when they are not all there.
  subscript(offset: Int, count: Int) -> ArraySlice<UInt8>? {
    guard offset >= 0, count >= 0, offset <= bytes.count, count <= bytes.count - offset else {
      return nil
    }
    return bytes.dropFirst(offset).prefix(count)
  }
}
