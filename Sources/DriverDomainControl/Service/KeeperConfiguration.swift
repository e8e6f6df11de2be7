import RingTransport

/// What `ddctl` itself takes from an `xl` configuration file: keys that `xl` does not know and
/// passes over, and two that both read.
struct KeeperConfiguration: Equatable {
  /// `name`
  var name: String
  /// `ddctl_domid`: the number that the domain has in each of its lives.
  var domain: DomainIdentifier?
  /// `ddctl_ready_seconds`: how long a domain may take until it serves; 0 for no limit.
  var readySeconds = 60
  /// `kernel` and `ramdisk`: the files that an upgrade replaces.
  var kernel: String?
  var ramdisk: String?

  /// Numbers that a domain can have: 0 is Dom0, and `DOMID_FIRST_RESERVED` begins what stands for
  /// other things (`xen/xen.h`).
  static let domainRange: ClosedRange<UInt16> = 1...0x7FEF
  static let readySecondsRange = 0...3600

  /// Reads the text of a file.
  init(text: String) throws(KeeperConfigurationError) {
    var values: [String: String] = [:]
    for line in text.split(separator: "\n") {
      guard let (key, value) = Self.assignment(line) else { continue }
      values[key] = value
    }
    guard let name = values["name"], !name.isEmpty else { throw .missingName }
    guard KeeperPaths.isUsable(name: name) else { throw .unusableName(name) }
    self.name = name
    if let text = values["ddctl_domid"] {
      guard let number = UInt16(text), Self.domainRange.contains(number) else {
        throw .wrongNumber(key: "ddctl_domid", value: text)
      }
      domain = DomainIdentifier(rawValue: number)
    }
    if let text = values["ddctl_ready_seconds"] {
      guard let seconds = Int(text), Self.readySecondsRange.contains(seconds) else {
        throw .wrongNumber(key: "ddctl_ready_seconds", value: text)
      }
      readySeconds = seconds
    }
    kernel = values["kernel"]
    ramdisk = values["ramdisk"]
    if let key = values.keys.sorted().first(where: {
      $0.hasPrefix("ddctl_") && $0 != "ddctl_domid" && $0 != "ddctl_ready_seconds"
    }) {
      throw .unknownKey(key)
    }
  }

  /// Reads `KEY = VALUE`, where the value is one number or one string in quotes. Everything else is
  /// for `xl` alone.
  private static func assignment(_ line: Substring) -> (key: String, value: String)? {
    guard let equals = line.firstIndex(of: "=") else { return nil }
    let key = trimmed(line[..<equals])
    var rest = trimmed(line[line.index(after: equals)...])
    guard let first = rest.first else { return nil }
    if first == "\"" || first == "'" {
      rest = rest.dropFirst()
      guard let end = rest.firstIndex(of: first) else { return nil }
      return (String(key), String(rest[..<end]))
    }
    let number = rest.prefix { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "-") }
    return number.isEmpty ? nil : (String(key), String(number))
  }

  private static func trimmed(_ text: Substring) -> Substring {
    let start = text.drop { $0 == " " || $0 == "\t" }
    guard let last = start.lastIndex(where: { $0 != " " && $0 != "\t" && $0 != "\r" }) else {
      return ""
    }
    return start[...last]
  }
}

/// Why a configuration is of no use to `ddctl`.
enum KeeperConfigurationError: Error, Equatable, CustomStringConvertible {
  case missingName
  case unusableName(String)
  case wrongNumber(key: String, value: String)
  case unknownKey(String)

  var description: String {
    switch self {
    case .missingName: "the configuration has no name = \"...\""
    case .unusableName(let name):
      "the name '\(name)' has characters that XenStore does not take: use letters, digits, - and _"
    case .wrongNumber(let key, let value): "\(key) = \(value) is not a number that it can be"
    case .unknownKey(let key): "\(key) is unknown to this version"
    }
  }
}
