/// A device's place in XenStore: its own directory, the leaf, which the toolstack made for us.
///
/// `backend/<kind>/<frontend domain>/<device number>`, relative to our own domain's directory.
public struct BackendLeaf: Hashable, Comparable, CustomStringConvertible, Sendable {
  /// The toolstack's name for what the device is and how it is to be served.
  public enum Kind: String, CaseIterable, Sendable {
    /// A raw disk.
    case virtualBlockDevice = "vbd"
    /// A disk in an image format, which libxl means for QEMU.
    case qemuDisk = "qdisk"
    /// A network interface.
    case virtualInterface = "vif"

    /// Whether `block-backend` is responsible.
    public var isDisk: Bool { self != .virtualInterface }
  }

  /// What the device is.
  public let kind: Kind
  /// The guest.
  public let frontendDomain: DomainIdentifier
  /// The device's number among those of its kind: 51712 is `xvda`, 0 is a guest's first interface.
  public let device: UInt32

  /// Names a leaf.
  public init(kind: Kind, frontendDomain: DomainIdentifier, device: UInt32) {
    self.kind = kind
    self.frontendDomain = frontendDomain
    self.device = device
  }

  /// Reads `vbd`, `2`, `51712`; nil when it is no device we serve, or not spelled as libxl does.
  public init?(
    kind: some StringProtocol, frontendDomain: some StringProtocol, device: some StringProtocol
  ) {
    guard let kind = Kind(rawValue: String(kind)), let domain = UInt16(frontendDomain),
      let number = UInt32(device), String(domain) == frontendDomain, String(number) == device
    else { return nil }
    self.init(
      kind: kind, frontendDomain: DomainIdentifier(rawValue: domain), device: number)
  }

  /// Reads a path such as `backend/vbd/2/51712`. Leading directories are allowed, as in
  /// `/local/domain/1/backend/vbd/2/51712`, where they name our own domain.
  public init?(_ text: String) {
    let parts = text.split(separator: "/").suffix(4)
    guard parts.count == 4, parts[parts.startIndex] == "backend" else { return nil }
    self.init(
      kind: parts[parts.startIndex + 1], frontendDomain: parts[parts.startIndex + 2],
      device: parts[parts.startIndex + 3])
  }

  /// The leaf's directory, relative to our domain's.
  public var path: XenStorePath {
    let directory: XenStorePath = "backend"
    return directory.appending(kind.rawValue).appending(frontendDomain.description)
      .appending(String(device))
  }

  /// A node of the leaf.
  public func node(_ name: String) -> XenStorePath { path.appending(name) }

  /// The path as text.
  public var description: String { path.description }

  /// The order in which leaves are listed: by kind, guest and number.
  public static func < (left: BackendLeaf, right: BackendLeaf) -> Bool {
    (left.kind.rawValue, left.frontendDomain.rawValue, left.device)
      < (right.kind.rawValue, right.frontendDomain.rawValue, right.device)
  }
}
