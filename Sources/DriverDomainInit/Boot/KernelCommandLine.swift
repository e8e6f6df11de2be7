/// Splits the kernel's command line into words as the kernel's own `next_arg` does.
enum KernelCommandLine {
  /// One `name=value` word; the value is nil for a bare name.
  struct Word: Equatable {
    var name: String
    var value: String?
  }

  /// The words in order. Double quotes keep blanks together and are dropped; a quote that is
  /// never closed reaches to the end.
  static func words(_ line: String) -> [Word] {
    var words: [String] = []
    var current = ""
    var isInWord = false
    var isQuoted = false
    for character in line {
      if character == "\"" {
        isQuoted.toggle()
        isInWord = true
      } else if character.isWhitespace && !isQuoted {
        if isInWord { words.append(current) }
        current = ""
        isInWord = false
      } else {
        current.append(character)
        isInWord = true
      }
    }
    if isInWord { words.append(current) }
    return words.filter { !$0.isEmpty }.map(word)
  }

  private static func word(_ text: String) -> Word {
    guard let equals = text.firstIndex(of: "=") else { return Word(name: text, value: nil) }
    return Word(name: String(text[..<equals]), value: String(text[text.index(after: equals)...]))
  }
}
