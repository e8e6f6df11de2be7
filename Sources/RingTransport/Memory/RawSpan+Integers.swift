/// Integers of the wire, little-endian as all of Xen's interfaces on the machines we run on.
extension RawSpan {
  /// Reads a little-endian integer at `offset`, aligned or not. A range outside the span traps: the
  /// offsets are ours.
  public func load<Integer: FixedWidthInteger & BitwiseCopyable>(
    _ type: Integer.Type, at offset: Int
  ) -> Integer {
    // SAFETY: the standard library checks the bounds; every bit pattern is an integer.
    Integer(littleEndian: unsafe unsafeLoadUnaligned(fromByteOffset: offset, as: type))
  }
}

extension MutableRawSpan {
  /// Writes a little-endian integer at `offset`, aligned or not. A range outside the span traps.
  @_lifetime(self: copy self)
  public mutating func store<Integer: FixedWidthInteger & BitwiseCopyable>(
    _ value: Integer, at offset: Int
  ) {
    storeBytes(of: value.littleEndian, toByteOffset: offset, as: Integer.self)
  }
}
