import CLinux
import SystemPackage

/// One message of the kernel, taken out of a datagram that may hold several.
struct NetlinkMessage: Equatable {
  var type: UInt16
  var flags: UInt16
  var sequence: UInt32
  /// What follows the header.
  var payload: ArraySlice<UInt8>

  /// The messages of a datagram, in order; what is cut off at the end, or has an impossible length,
  /// ends the list.
  static func messages(in datagram: ArraySlice<UInt8>) -> [NetlinkMessage] {
    var messages: [NetlinkMessage] = []
    var rest = datagram
    while let header = header(of: rest) {
      messages.append(header.message)
      rest = rest.dropFirst((header.byteCount + 3) & ~3)
    }
    return messages
  }

  private static func header(
    of bytes: ArraySlice<UInt8>
  ) -> (message: NetlinkMessage, byteCount: Int)? {
    let fields = LittleEndianBytes(bytes)
    guard let length = fields.integer(at: 0, as: UInt32.self),
      let type = fields.integer(at: 4, as: UInt16.self),
      let flags = fields.integer(at: 6, as: UInt16.self),
      let sequence = fields.integer(at: 8, as: UInt32.self),
      length >= UInt32(NetlinkRequest.headerByteCount), length <= UInt32(clamping: bytes.count)
    else { return nil }
    let payload = bytes.prefix(Int(length)).dropFirst(NetlinkRequest.headerByteCount)
    let message = NetlinkMessage(type: type, flags: flags, sequence: sequence, payload: payload)
    return (message, Int(length))
  }

  /// The attributes behind a structure of so many bytes.
  func attributes(behind byteCount: Int) -> NetlinkAttributes {
    NetlinkAttributes(payload.dropFirst(byteCount))
  }

  /// The verdict of an `NLMSG_ERROR` message, which also is how success is told; nil for a
  /// malformed one. The structure (`nlmsgerr`) is the negative errno, then the request's header,
  /// with the whole request behind it unless it is capped, then attributes.
  var verdict: (error: Errno?, detail: String)? {
    let fields = LittleEndianBytes(payload)
    guard let code = fields.integer(at: 0, as: UInt32.self),
      let requestByteCount = fields.integer(at: 4, as: UInt32.self)
    else { return nil }
    let number = Int32(bitPattern: code)
    if number == 0 { return (nil, "") }
    guard number < 0, number > Int32.min else { return nil }
    var detail = ""
    if Int32(flags) & NLM_F_ACK_TLVS != 0 {
      let isCapped = Int32(flags) & NLM_F_CAPPED != 0
      let request = isCapped ? NetlinkRequest.headerByteCount : Int(requestByteCount)
      if let text = attributes(behind: 4 + (request + 3) & ~3).text(Int(NLMSGERR_ATTR_MSG.rawValue))
      {
        detail = text
      }
    }
    return (Errno(rawValue: -number), detail)
  }
}

/// A run of attributes.
struct NetlinkAttributes {
  private let bytes: ArraySlice<UInt8>

  init(_ bytes: ArraySlice<UInt8>) {
    self.bytes = bytes
  }

  /// The payload of the first attribute of a type; nil where there is none. A malformed attribute
  /// ends the run.
  subscript(type: Int) -> ArraySlice<UInt8>? {
    var rest = bytes
    while true {
      let fields = LittleEndianBytes(rest)
      guard let length = fields.integer(at: 0, as: UInt16.self).map({ Int($0) }),
        let found = fields.integer(at: 2, as: UInt16.self), length >= 4,
        let payload = fields[4, length - 4]
      else { return nil }
      // The two highest bits say how to read the payload (NLA_TYPE_MASK).
      if Int(found & 0x3FFF) == type { return payload }
      rest = rest.dropFirst((length + 3) & ~3)
    }
  }

  func number(_ type: Int) -> UInt32? {
    self[type].flatMap { LittleEndianBytes($0).integer(at: 0, as: UInt32.self) }
  }

  /// A text without the NUL at its end.
  func text(_ type: Int) -> String? {
    self[type].map { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
  }

  func nested(_ type: Int) -> NetlinkAttributes? {
    self[type].map { NetlinkAttributes($0) }
  }
}
