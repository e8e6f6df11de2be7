import CLinux

/// One request to rtnetlink, built field by field.
///
/// Layout (linux/netlink.h): `nlmsghdr` of 16 bytes, a structure of the request's kind, then
/// attributes: length of 2 bytes, type of 2 bytes, payload, padded to 4. All in host byte order.
struct NetlinkRequest: Equatable {
  private(set) var bytes: [UInt8]

  static let headerByteCount = 16

  /// Begins a request of a type (`RTM_...`), with flags beyond those that every request has.
  init(_ type: Int, flags: Int32 = 0) {
    bytes = []
    append(UInt32(0))
    append(UInt16(type))
    append(UInt16(NLM_F_REQUEST | flags))
    append(UInt32(0))
    append(UInt32(0))
  }

  /// Appends a field of the fixed structure.
  mutating func append(_ value: some FixedWidthInteger) {
    var rest = value
    for _ in 0..<MemoryLayout.size(ofValue: value) {
      bytes.append(UInt8(truncatingIfNeeded: rest))
      rest >>= 8
    }
  }

  /// Appends an attribute.
  mutating func attribute(_ type: Int, _ payload: [UInt8]) {
    append(UInt16(4 + payload.count))
    append(UInt16(type))
    bytes += payload
    pad()
  }

  /// Appends an attribute that is one number.
  mutating func attribute(_ type: Int, number: UInt32) {
    append(UInt16(8))
    append(UInt16(type))
    append(number)
  }

  /// Appends an attribute that is a text, which ends in NUL.
  mutating func attribute(_ type: Int, text: String) {
    attribute(type, Array(text.utf8) + [0])
  }

  /// Appends an attribute that holds attributes.
  mutating func nested(_ type: Int, _ body: (inout NetlinkRequest) -> Void) {
    let start = bytes.count
    append(UInt16(0))
    append(UInt16(type))
    body(&self)
    set(UInt16(bytes.count - start), at: start)
  }

  /// The request as it is sent, with its length and the number that the answer will carry.
  func finished(sequence: UInt32, flags: Int32) -> [UInt8] {
    var request = self
    request.set(UInt32(bytes.count), at: 0)
    request.set(UInt16(bytes[6]) | UInt16(bytes[7]) << 8 | UInt16(flags), at: 6)
    request.set(sequence, at: 8)
    return request.bytes
  }

  private mutating func set(_ value: some FixedWidthInteger, at offset: Int) {
    for index in 0..<MemoryLayout.size(ofValue: value) {
      bytes[offset + index] = UInt8(truncatingIfNeeded: value >> (8 * index))
    }
  }

  private mutating func pad() {
    while !bytes.count.isMultiple(of: 4) { bytes.append(0) }
  }
}
