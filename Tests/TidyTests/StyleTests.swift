import Foundation
import Testing

/// The rules of style that a machine can check, on every Swift file of the repository.
struct StyleTests {
  private static let longestLine = 100
  private static let longestFile = 500
  private static let longestFunction = 70
  /// How far above an unsafe expression its reason may stand.
  private static let reasonDistance = 6

  @Test func thereIsSomethingToCheck() {
    #expect(SourceFile.all.count { $0.isSource } > 30)
    #expect(SourceFile.all.contains { $0.path == "Tests/TidyTests/StyleTests.swift" })
  }

  @Test func lineLength() {
    check { file in
      file.lines.indices.filter { file.lines[$0].count > Self.longestLine }
    }
  }

  @Test func fileLength() {
    check { $0.lines.count > Self.longestFile + 1 ? [Self.longestFile] : [] }
  }

  @Test func filesSayWhatTheyAreFor() {
    check { file in
      let first = file.lines.first ?? ""
      let begins = ["///", "import ", "internal import ", "package import ", "public import "]
      let others = ["@testable import ", "// swift-tools-version", "@preconcurrency import "]
      return (begins + others).contains { first.hasPrefix($0) } ? [] : [0]
    }
  }

  @Test func functionLength() {
    check { file in
      functions(in: file).filter { $0.count > Self.longestFunction }.map(\.lowerBound)
    }
  }

  /// What may trap on somebody's word, or hide an error.
  @Test(arguments: ["try!", "as!", "fatalError(", "unowned(unsafe)", "-Ounchecked"])
  func bannedEverywhere(word: String) {
    check { file in file.code.indices.filter { file.code[$0].contains(word) } }
  }

  @Test func noFoundationInPrograms() {
    check { file in
      guard file.isSource else { return [] }
      return file.code.indices.filter { file.code[$0].contains("import Foundation") }
    }
  }

  @Test func nothingIsLeftToDo() {
    // Put together, so that this file does not find itself.
    let words = ["TO" + "DO", "FIX" + "ME", "XX" + "X"]
    check { file in
      file.lines.indices.filter { index in
        words.contains {
          file.lines[index].range(of: "\\b\($0)\\b", options: .regularExpression) != nil
        }
      }
    }
  }

  @Test func uncheckedSendableHasAReason() {
    check { file in
      file.code.indices.filter { index in
        file.code[index].contains("@unchecked Sendable")
          || file.code[index].contains("nonisolated(unsafe)")
      }.filter { !hasReason(file, $0) }
    }
  }

  /// An unsafe expression says, close above, which invariant makes it right.
  @Test func unsafeExpressionsHaveAReason() {
    check { file in
      guard file.isSource else { return [] }
      return file.code.indices.filter { index in
        let code = file.code[index]
        // A release, or a mere store of a pointer, says it all itself.
        let isPlain = [".deallocate()", ".allocate(", "unsafe self."].contains {
          code.contains($0)
        }
        return !isPlain
          && code.range(of: "\\bunsafe\\b(?! *[:,)])", options: .regularExpression) != nil
          && !hasReason(file, index)
      }
    }
  }

  /// The data path is generic: calls through an existential are not specialized.
  @Test func noExistentialsOnTheDataPath() {
    let folders = ["Sources/BlockBackend/Engine/", "Sources/NetBackend/Engine/"]
    let ring = ["Sources/RingTransport/Ring/", "Sources/RingTransport/Memory/"]
    check { file in
      guard (folders + ring).contains(where: { file.path.hasPrefix($0) }) else { return [] }
      return file.code.indices.filter {
        file.code[$0].range(
          of: "\\bany (Hypervisor|BlockStorage|XenStoreTransport)\\b",
          options: .regularExpression) != nil
      }
    }
  }

  // MARK: Helpers

  /// Records an issue for every line that `rule` finds.
  private func check(
    at location: SourceLocation = #_sourceLocation, _ rule: (SourceFile) -> [Int]
  ) {
    for file in SourceFile.all {
      for index in rule(file) {
        Issue.record("\(file.place(index))", sourceLocation: location)
      }
    }
  }

  /// Whether a `SAFETY:` comment stands in the line, or above it in the same function.
  private func hasReason(_ file: SourceFile, _ index: Int) -> Bool {
    let marker = "SAFETY"
    if file.lines[index].contains(marker) { return true }
    // A reason holds for what follows it in the same function, or in the same closure of a few
    // lines.
    var position = index
    while position > 0 {
      position -= 1
      let line = file.lines[position]
      if line.contains(marker) { return true }
      if line.contains("func ") || line.contains(" init"), index - position > Self.reasonDistance {
        return false
      }
      if line.hasPrefix("  }"), index - position > Self.reasonDistance { return false }
    }
    return false
  }

  /// The lines of every function and initializer, by their braces.
  private func functions(in file: SourceFile) -> [Range<Int>] {
    var found: [Range<Int>] = []
    let start = "^\\s*((@\\w+(\\([^)]*\\))?|\\w+) )*(func |init[?(<]|deinit )"
    for index in file.code.indices
    where file.code[index].range(of: start, options: .regularExpression) != nil {
      var depth = 0
      var isOpen = false
      for position in index..<file.code.count {
        for character in file.code[position] {
          if character == "{" { (depth, isOpen) = (depth + 1, true) }
          if character == "}" { depth -= 1 }
        }
        // A requirement of a protocol has no body.
        if depth < 0 || (!isOpen && position > index + 8) { break }
        if isOpen, depth == 0 {
          found.append(index..<(position + 1))
          break
        }
      }
    }
    return found
  }
}
