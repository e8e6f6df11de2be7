import RingTransport

/// A device's place in XenStore: its own directory, the leaf, which the toolstack made for us.
///
/// `backend/<kind>/<frontend domain>/<device number>`, relative to our domain's directory.
struct BlockLeaf: Sendable, Equatable {
  /// The toolstack's name for how the disk is to be served.
  enum Kind: String, Sendable {
    /// A raw disk.
    case raw = "vbd"
    /// A disk in an image format, which libxl means for QEMU.
    case formatted = "qdisk"
  }

  let path: XenStorePath
  let kind: Kind
  let frontendDomain: DomainIdentifier
  /// The device number, for the log: 51712 is `xvda`.
  let device: UInt32

  /// Reads a leaf's path. Leading directories are allowed, as in `/local/domain/1/backend/...`.
  init?(_ text: String) {
    let parts = text.split(separator: "/")
    guard let path = XenStorePath(text), parts.count >= 4,
      parts[parts.count - 4] == "backend",
      let kind = Kind(rawValue: String(parts[parts.count - 3])),
      let domain = UInt16(parts[parts.count - 2]),
      let device = UInt32(parts[parts.count - 1])
    else { return nil }
    self.path = path
    self.kind = kind
    frontendDomain = DomainIdentifier(rawValue: domain)
    self.device = device
  }

  /// A node of the leaf.
  func node(_ name: String) -> XenStorePath { path.appending(name) }
}
