import Foundation

/// A file of the repository, as lines.
struct SourceFile {
  /// The path below the repository.
  let path: String
  let lines: [String]
  /// The lines without string literals and comments, so that words in them do not count.
  let code: [String]

  init(path: String, text: String) {
    self.path = path
    lines = text.split(separator: "\n", omittingEmptySubsequences: false).map { String($0) }
    var stripper = CodeStripper()
    code = lines.map { stripper.strip($0) }
  }

  /// Whether the file goes into a program, not into a test.
  var isSource: Bool { path.hasPrefix("Sources/") }

  /// The repository's directory.
  static let repository: URL = {
    // Tests/TidyTests/SourceFile.swift
    URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent()
  }()

  /// All Swift files under Sources and Tests, and the manifest.
  static let all: [SourceFile] = {
    var paths = ["Package.swift"]
    for folder in ["Sources", "Tests"] {
      let directory = repository.appendingPathComponent(folder)
      let found = FileManager.default.enumerator(atPath: directory.path)
      while let path = found?.nextObject() as? String {
        if path.hasSuffix(".swift") { paths.append("\(folder)/\(path)") }
      }
    }
    return paths.sorted().compactMap { path in
      let url = repository.appendingPathComponent(path)
      guard let text = try? String(contentsOf: url, encoding: .utf8) else { return nil }
      return SourceFile(path: path, text: text)
    }
  }()

  /// `path:line`, as tools like it.
  func place(_ index: Int) -> String { "\(path):\(index + 1)" }
}

/// Takes string literals and comments out of lines.
struct CodeStripper {
  private var isInTextBlock = false
  private var commentDepth = 0

  mutating func strip(_ line: String) -> String {
    var result = ""
    var rest = Substring(line)
    if isInTextBlock {
      guard let end = rest.range(of: "\"\"\"") else { return "" }
      rest = rest[end.upperBound...]
      isInTextBlock = false
    }
    while let first = rest.first {
      if commentDepth > 0 {
        if rest.hasPrefix("*/") { commentDepth -= 1 }
        rest = rest.dropFirst(rest.hasPrefix("*/") ? 2 : 1)
      } else if rest.hasPrefix("//") {
        break
      } else if rest.hasPrefix("/*") {
        commentDepth += 1
        rest = rest.dropFirst(2)
      } else if rest.hasPrefix("\"\"\"") {
        isInTextBlock = true
        break
      } else if first == "\"" {
        rest = Self.afterLiteral(rest.dropFirst())
        result += "\"\""
      } else {
        result.append(first)
        rest = rest.dropFirst()
      }
    }
    return result
  }

  /// What follows a one-line literal; interpolations may hold literals of their own.
  private static func afterLiteral(_ text: Substring) -> Substring {
    var rest = text
    var depth = 0
    while let first = rest.first {
      if rest.hasPrefix("\\(") {
        depth += 1
        rest = rest.dropFirst(2)
      } else if first == "\\" {
        rest = rest.dropFirst(2)
      } else if first == "\"" {
        rest = rest.dropFirst()
        if depth == 0 { return rest }
        rest = afterLiteral(rest)
      } else {
        if depth > 0, first == "(" { depth += 1 }
        if depth > 0, first == ")" { depth -= 1 }
        rest = rest.dropFirst()
      }
    }
    return rest
  }
}
