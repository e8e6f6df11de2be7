import Logging

extension Configuration {
  /// One word of the command line, and the checks that its value may have to pass.
  struct Option {
    var word: KernelCommandLine.Word

    func problem(_ reason: String) -> Problem {
      Problem(option: word.name, reason: reason)
    }

    func value() throws(Problem) -> String {
      guard let value = word.value, !value.isEmpty else { throw problem("needs a value") }
      return value
    }

    func list() throws(Problem) -> [String] {
      let names = try value().split(separator: ",").map(String.init)
      if names.isEmpty { throw problem("needs a value") }
      return names
    }

    func append<Element>(_ element: Element, to list: inout [Element]) throws(Problem) {
      guard list.count < entryCountMax else {
        throw problem("given more than \(entryCountMax) times")
      }
      list.append(element)
    }

    func number(in range: ClosedRange<Int>) throws(Problem) -> Int {
      let text = try value()
      guard let number = Int(text), range.contains(number) else {
        throw problem(
          "'\(text)' is no number from \(range.lowerBound) to \(range.upperBound)")
      }
      return number
    }

    func yesOrNo() throws(Problem) -> Bool {
      switch try value() {
      case "yes": return true
      case "no": return false
      case let text: throw problem("'\(text)' is neither yes nor no")
      }
    }

    /// A shorter time than 2 s could pass in any burst of work, or while Dom0 is busy.
    func watchdogSeconds() throws(Problem) -> Int {
      let number = try number(in: 0...600)
      guard number != 1 else { throw problem("1 is too short") }
      return number
    }

    /// Memory of whole pages, as the block backend wants it.
    func bufferKiB() throws(Problem) -> Int {
      let number = try number(in: 2048...262_144)
      guard number % 4 == 0 else { throw problem("\(number) is no multiple of 4") }
      return number
    }

    func logLevel() throws(Problem) -> Logger.Level {
      let text = try value()
      guard let level = Logger.Level(rawValue: text) else {
        let names = Logger.Level.allCases.map(\.rawValue).joined(separator: ", ")
        throw problem("'\(text)' is none of \(names)")
      }
      return level
    }

    func devicePath(_ text: String) throws(Problem) -> String {
      guard text.hasPrefix("/dev/"), text.count > 5, !hasDotDot(text) else {
        throw problem("'\(text)' is no path under /dev")
      }
      return text
    }

    func moduleName(_ text: String) throws(Problem) -> String {
      let isPlain = text.utf8.allSatisfy { byte in
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
          UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "-"):
          true
        default: false
        }
      }
      guard isPlain else { throw problem("'\(text)' is no name of a module") }
      return text
    }

    /// `directory:device:type[:ro|rw]`. The device may hold colons, so it is what is left when
    /// both ends are taken away.
    func volume() throws(Problem) -> Volume {
      let shape = "'\(try value())' is not directory:device:type[:ro]"
      var parts = try value().split(separator: ":", omittingEmptySubsequences: false)
        .map(String.init)
      var isReadOnly = false
      if let last = parts.last, last == "ro" || last == "rw" {
        isReadOnly = last == "ro"
        parts.removeLast()
      }
      guard parts.count >= 3, let type = parts.popLast(), !type.isEmpty else {
        throw problem(shape)
      }
      let directory = parts.removeFirst()
      guard directory.hasPrefix("/"), let top = directory.split(separator: "/").first,
        !hasDotDot(directory)
      else { throw problem("'\(directory)' is no absolute directory") }
      if Self.reservedDirectories.contains(String(top)) {
        throw problem("'\(directory)' belongs to the system")
      }
      return Volume(
        directory: directory, device: try devicePath(parts.joined(separator: ":")),
        type: try moduleName(type), isReadOnly: isReadOnly)
    }

    /// A volume here would hide what init itself lives on.
    private static let reservedDirectories: Set<String> = [
      "proc", "sys", "dev", "run", "bin", "sbin", "modules",
    ]

    private func hasDotDot(_ path: String) -> Bool {
      path.split(separator: "/").contains { $0 == ".." || $0 == "." }
    }
  }
}
