import CXen

/// The name of a XenStore node, known to be well-formed.
///
/// The rules are those of xenstored (`is_valid_nodename`): letters, digits and `-/_@`, no empty
/// component, no slash at the end, at most `XENSTORE_ABS_PATH_MAX` bytes, or
/// `XENSTORE_REL_PATH_MAX` for a path that does not begin with `/` or `@`. A relative path is
/// relative to `/local/domain/<own domid>`; `@introduceDomain` and `@releaseDomain` are watched
/// only.
public struct XenStorePath: Hashable, Sendable, ExpressibleByStringLiteral,
  CustomStringConvertible
{
  /// The path as it goes over the wire, without the NUL.
  public let description: String

  /// Creates a path, or nil where xenstored would refuse it.
  public init?(_ string: String) {
    let isRelative = string.utf8.first != 0x2F && string.utf8.first != 0x40
    let byteCountMax = isRelative ? XENSTORE_REL_PATH_MAX : XENSTORE_ABS_PATH_MAX
    guard Self.isWellFormed(string), string.utf8.count <= Int(byteCountMax) else { return nil }
    description = string
  }

  /// Creates a path that is spelled out in the source. Traps where it is malformed.
  public init(stringLiteral value: String) {
    guard let path = XenStorePath(value) else {
      preconditionFailure("malformed XenStore path in the source: \(value)")
    }
    self = path
  }

  private init(trusted string: String) {
    description = string
  }

  /// The path below this one.
  ///
  /// `component` is a name from our own source or from a listing, whose names the client has
  /// checked; a name of several components is fine. Traps where it has characters that no
  /// XenStore name can have. A result that is too long is left for xenstored to refuse.
  public func appending(_ component: String) -> XenStorePath {
    precondition(Self.isWellFormed(component) && component.utf8.first != 0x2F)
    let prefix = description == "/" ? "" : description
    return XenStorePath(trusted: prefix + "/" + component)
  }

  /// Whether the path starts at the root of the store.
  public var isAbsolute: Bool { description.utf8.first == 0x2F }

  /// The names between the slashes; none for the root.
  public var components: [String] {
    description.split(separator: "/").map { String($0) }
  }

  /// The last name; empty for the root.
  public var lastComponent: String {
    description.split(separator: "/").last.map { String($0) } ?? ""
  }

  /// The path without its last name; nil for the root and for a relative path of one name.
  public var parent: XenStorePath? {
    guard description != "/", let slash = description.lastIndex(of: "/") else { return nil }
    if slash == description.startIndex { return XenStorePath(trusted: "/") }
    return XenStorePath(trusted: String(description[..<slash]))
  }

  /// Whether `other` is this node or lies below it.
  public func contains(_ other: XenStorePath) -> Bool {
    if description == "/" { return other.isAbsolute }
    guard other.description.hasPrefix(description) else { return false }
    let rest = other.description.utf8.dropFirst(description.utf8.count)
    return rest.isEmpty || rest.first == 0x2F
  }

  private static func isWellFormed(_ string: String) -> Bool {
    if string == "/" { return true }
    var previous: UInt8 = 0
    for byte in string.utf8 {
      guard isNameByte(byte) || (byte == 0x2F && previous != 0x2F) else { return false }
      previous = byte
    }
    return previous != 0 && previous != 0x2F
  }

  /// Whether `name` can be one component of a path, which is what a listing consists of.
  static func isName(_ name: some Collection<UInt8>) -> Bool {
    !name.isEmpty && name.allSatisfy(isNameByte)
  }

  private static func isNameByte(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"),
      UInt8(ascii: "@"):
      true
    default: false
    }
  }
}
