/// One entry of a node's access list (`XS_GET_PERMS`, `XS_SET_PERMS`).
///
/// In a list the first entry names the owner, who may do everything; its access is what every
/// domain without an entry of its own has.
public struct XenStorePermission: Hashable, Sendable, CustomStringConvertible {
  /// What an entry allows; the raw value is its letter on the wire.
  public enum Access: Character, Hashable, Sendable {
    /// Nothing.
    case none = "n"
    /// Reading the value, the children and the access list.
    case read = "r"
    /// Writing, and creating children.
    case write = "w"
    /// Both.
    case both = "b"
  }

  /// Whom the entry is about.
  public let domain: DomainIdentifier
  /// What it allows.
  public let access: Access

  /// Creates an entry.
  public init(_ access: Access, _ domain: DomainIdentifier) {
    self.access = access
    self.domain = domain
  }

  /// Parses the wire's spelling, such as `r7`; nil where it is something else.
  public init?(_ string: some StringProtocol) {
    guard let letter = string.first, let access = Access(rawValue: letter),
      let domain = UInt16(string.dropFirst())
    else { return nil }
    self.init(access, DomainIdentifier(rawValue: domain))
  }

  /// The wire's spelling, such as `r7`.
  public var description: String { "\(access.rawValue)\(domain)" }
}
