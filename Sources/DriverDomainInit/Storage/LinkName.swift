/// Makes a label or serial number fit to be a file's name, as udev and libblkid do: what is not
/// safe becomes `\xNN` for each byte.
enum LinkName {
  /// NAME_MAX of Linux.
  static let byteCountMax = 255

  /// The name, or nil when nothing sensible is left of the text.
  static func encode(_ text: String) -> String? {
    var result = ""
    for scalar in Text.trimmed(text).unicodeScalars {
      if isSafe(scalar) {
        result.unicodeScalars.append(scalar)
      } else {
        for byte in String(scalar).utf8 { result += "\\x" + Text.hexadecimal(byte) }
      }
    }
    guard !result.isEmpty, result.utf8.count <= byteCountMax else { return nil }
    // A name of dots alone would be the directory itself or the one above.
    if result.allSatisfy({ $0 == "." }) {
      return String(repeating: "\\x2e", count: result.count)
    }
    return result
  }

  /// libblkid's list for ASCII; above it everything that is a character, but not the controls
  /// of C1 nor what U+FFFD stands for: a label that was no text.
  private static func isSafe(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar {
    case "a"..."z", "A"..."Z", "0"..."9", "#", "+", "-", ".", ":", "=", "@", "_": true
    default: scalar.value > 0x9F && !scalar.properties.isWhitespace && scalar != "\u{FFFD}"
    }
  }
}
