/// What a spare process is told: which leaf to serve, with which arguments, and what the leaf says.
///
/// On the wire one line of words with a space between each two: `!` for an order ahead, the leaf,
/// then the arguments, then `@node=value`, or `@node` for a node that is not there. In a word,
/// bytes other than those of paths and numbers are percent-escaped, so that an argument may hold
/// anything but a zero byte. A newline at the end is allowed.
public struct BackendOrder: Hashable, Sendable {
  /// The leaf as text, for example `backend/vbd/2/51712`.
  public var leaf: String
  /// The arguments that a process started for this leaf would have beside `--path`.
  public var arguments: [String]
  /// What the leaf says that the device is; empty where that is not known.
  public var configuration: LeafConfiguration
  /// Whether another process serves the leaf: get ready to follow it, and wait for one's turn
  /// (``OrderSocket/sendTurn()``).
  public var isAhead: Bool

  /// The longest order in bytes: a few arguments of XenStore's longest value, 4096 bytes, escaped.
  public static let byteCountMax = 32 * 1024
  /// More words than any program takes.
  public static let wordCountMax = 64

  /// An order.
  public init(
    leaf: String, arguments: [String], configuration: LeafConfiguration = LeafConfiguration([:]),
    isAhead: Bool = false
  ) {
    self.leaf = leaf
    self.arguments = arguments
    self.configuration = configuration
    self.isAhead = isAhead
  }

  /// Reads an order; nil when it is none.
  public init?(bytes: [UInt8]) {
    var line = bytes[...]
    if line.last == UInt8(ascii: "\n") { line.removeLast() }
    guard line.count <= Self.byteCountMax else { return nil }
    var parts = line.split(separator: UInt8(ascii: " "), omittingEmptySubsequences: false)
    guard parts.count <= Self.wordCountMax else { return nil }
    let isAhead = parts.first == [Self.aheadMark]
    if isAhead { parts.removeFirst() }
    var words: [String] = []
    var values: [String: String?] = [:]
    for part in parts {
      let isNode = part.first == Self.nodeMark
      guard let word = Self.unescape(isNode ? part.dropFirst() : part) else { return nil }
      if isNode {
        let sides = word.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        let value: String? = sides.count > 1 ? String(sides[1]) : nil
        values.updateValue(value, forKey: String(sides[0]))
      } else {
        words.append(word)
      }
    }
    guard let leaf = words.first, !leaf.isEmpty else { return nil }
    self.init(
      leaf: leaf, arguments: Array(words.dropFirst()), configuration: LeafConfiguration(values),
      isAhead: isAhead)
  }

  /// The order as it is sent.
  public var bytes: [UInt8] {
    var bytes = isAhead ? [Self.aheadMark, UInt8(ascii: " ")] : []
    bytes += Self.escape(leaf)
    for argument in arguments {
      bytes.append(UInt8(ascii: " "))
      bytes += Self.escape(argument)
    }
    for (node, value) in configuration.values.sorted(by: { $0.key < $1.key }) {
      bytes += [UInt8(ascii: " "), Self.nodeMark]
      bytes += Self.escape(value.map { "\(node)=\($0)" } ?? node)
    }
    return bytes
  }

  /// How many words it is.
  var wordCount: Int { (isAhead ? 2 : 1) + arguments.count + configuration.values.count }

  /// The word in front of an order ahead. In other words it is escaped.
  private static let aheadMark = UInt8(ascii: "!")
  /// The first byte of a node's word. In other words it is escaped.
  private static let nodeMark = UInt8(ascii: "@")
  private static let digits = Array("0123456789ABCDEF".utf8)

  private static func escape(_ word: String) -> [UInt8] {
    var bytes: [UInt8] = []
    for byte in word.utf8 {
      if isPlain(byte) {
        bytes.append(byte)
      } else {
        bytes += [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
      }
    }
    return bytes
  }

  private static func unescape(_ part: ArraySlice<UInt8>) -> String? {
    var bytes: [UInt8] = []
    var rest = part
    while let byte = rest.popFirst() {
      if byte == UInt8(ascii: "%") {
        guard let high = rest.popFirst().flatMap(Self.value(of:)),
          let low = rest.popFirst().flatMap(Self.value(of:))
        else { return nil }
        bytes.append(high << 4 | low)
      } else {
        guard isPlain(byte) else { return nil }
        bytes.append(byte)
      }
    }
    guard !bytes.contains(0) else { return nil }
    return String(validating: bytes, as: UTF8.self)
  }

  private static func value(of digit: UInt8) -> UInt8? {
    switch digit {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): digit - UInt8(ascii: "0")
    case UInt8(ascii: "A")...UInt8(ascii: "F"): digit - UInt8(ascii: "A") + 10
    case UInt8(ascii: "a")...UInt8(ascii: "f"): digit - UInt8(ascii: "a") + 10
    default: nil
    }
  }

  private static func isPlain(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."),
      UInt8(ascii: "/"), UInt8(ascii: ":"), UInt8(ascii: "_"), UInt8(ascii: "="),
      UInt8(ascii: ","):
      true
    default: false
    }
  }
}
