import Foundation

/// An answer of an agent: `STX id status crc32 base64 ETX`.
///
/// Whatever else shares the console may end up in the middle of a frame. Such a frame does not
/// parse, and the agent sends it again, as nobody acknowledged it.
struct Frame: Equatable {
  let id: String
  let status: Int
  let body: [UInt8]

  static let start: UInt8 = 0x02
  static let end: UInt8 = 0x03

  /// Parses what stands between the two markers.
  init?(_ text: [UInt8]) {
    let parts = text.split(
      separator: 0x20, maxSplits: 3, omittingEmptySubsequences: false
    ).map { String(decoding: $0, as: UTF8.self) }
    guard parts.count == 4, let status = Int(parts[1]), let sum = UInt32(parts[2], radix: 16),
      let body = Data(base64Encoded: String(parts[3].filter { !$0.isNewline })),
      crc32(body) == sum
    else { return nil }
    self.id = parts[0]
    self.status = status
    self.body = [UInt8](body)
  }
}

/// Takes a console's stream apart into frames and everything else.
struct FrameParser {
  enum Element: Equatable {
    case text([UInt8])
    case frame(Frame)
  }

  /// The beginning of a frame whose end has not come yet.
  private(set) var unfinished: [UInt8]?

  mutating func parse(_ bytes: [UInt8]) -> [Element] {
    var elements: [Element] = []
    var text: [UInt8] = []
    for byte in bytes {
      switch (byte, unfinished) {
      case (Frame.start, let damaged):
        text += damaged ?? []
        unfinished = []
      case (Frame.end, let content?):
        unfinished = nil
        if let frame = Frame(content) {
          if !text.isEmpty { elements.append(.text(text)) }
          text = []
          elements.append(.frame(frame))
        } else {
          text += content
        }
      case (_, nil):
        text.append(byte)
      case (_, _?):
        unfinished?.append(byte)
      }
    }
    if !text.isEmpty { elements.append(.text(text)) }
    return elements
  }
}

/// CRC-32 as zlib and busybox compute it.
func crc32(_ bytes: some Sequence<UInt8>) -> UInt32 {
  var sum: UInt32 = 0xFFFF_FFFF
  for byte in bytes {
    sum = (sum >> 8) ^ crcTable[Int((sum ^ UInt32(byte)) & 0xFF)]
  }
  return ~sum
}

private let crcTable: [UInt32] = (0..<256).map { index in
  (0..<8).reduce(UInt32(index)) { value, _ in
    value & 1 == 1 ? (value >> 1) ^ 0xEDB8_8320 : value >> 1
  }
}
