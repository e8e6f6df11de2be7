/// The few operations on text that would otherwise want Foundation.
enum Text {
  /// The text without white space and NUL at its ends.
  static func trimmed(_ text: some StringProtocol) -> String {
    let isBlank = { (character: Character) in character.isWhitespace || character == "\0" }
    guard let first = text.firstIndex(where: { !isBlank($0) }),
      let last = text.lastIndex(where: { !isBlank($0) })
    else { return "" }
    return String(text[first...last])
  }

  /// The lines of a text that say something: no empty ones, no `#` comments.
  static func lines(_ text: String) -> [String] {
    text.split(whereSeparator: \.isNewline).map { trimmed($0) }
      .filter { !$0.isEmpty && !$0.hasPrefix("#") }
  }

  /// Two hexadecimal digits.
  static func hexadecimal(_ byte: UInt8) -> String {
    let digits = String(byte, radix: 16)
    return digits.count == 2 ? digits : "0" + digits
  }
}
