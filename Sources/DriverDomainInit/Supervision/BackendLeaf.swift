import RingTransport

/// One device of one guest: `backend/vbd/G/D` in XenStore, relative to our own domain.
struct BackendLeaf: Hashable, Comparable, CustomStringConvertible, Sendable {
  /// How libxl classes the disk: raw ones as `vbd`, other formats as `qdisk`.
  enum Kind: String, CaseIterable, Sendable {
    case virtualBlockDevice = "vbd"
    case qemuDisk = "qdisk"
  }

  var kind: Kind
  var guest: DomainIdentifier
  var device: UInt32

  /// The path relative to `/local/domain/N`.
  var description: String { "backend/\(kind.rawValue)/\(guest)/\(device)" }

  /// The node by which backend and frontend tell each other how far they are.
  var statePath: String { description + "/state" }

  static func < (left: BackendLeaf, right: BackendLeaf) -> Bool {
    (left.kind.rawValue, left.guest.rawValue, left.device)
      < (right.kind.rawValue, right.guest.rawValue, right.device)
  }

  init(kind: Kind, guest: DomainIdentifier, device: UInt32) {
    self.kind = kind
    self.guest = guest
    self.device = device
  }

  /// Reads `vbd`, `2`, `51712`; nil when it is no device we serve, or not spelled as libxl does.
  init?(kind: some StringProtocol, guest: some StringProtocol, device: some StringProtocol) {
    guard let kind = Kind(rawValue: String(kind)), let guestNumber = UInt16(guest),
      let deviceNumber = UInt32(device), String(guestNumber) == guest,
      String(deviceNumber) == device
    else { return nil }
    self.init(kind: kind, guest: DomainIdentifier(rawValue: guestNumber), device: deviceNumber)
  }
}

/// What a watch event below `backend` is about.
enum BackendChange: Equatable {
  /// One leaf appeared, vanished or changed its state.
  case leaf(BackendLeaf)
  /// A directory above leaves changed: everything may be different.
  case tree
  /// A node inside a leaf that init has no interest in.
  case detail

  /// Reads a path as the watch reports it: relative, or absolute in the own domain.
  init(path: String) {
    let parts = path.split(separator: "/")
    guard let start = parts.firstIndex(of: "backend") else {
      self = .tree
      return
    }
    let names = parts[start...].dropFirst()
    guard names.count >= 3 else {
      self = .tree
      return
    }
    let first = names.startIndex
    guard
      let leaf = BackendLeaf(
        kind: names[first], guest: names[first + 1], device: names[first + 2])
    else {
      self = .detail
      return
    }
    let isOfInterest = names.count == 3 || (names.count == 4 && names[first + 3] == "state")
    self = isOfInterest ? .leaf(leaf) : .detail
  }
}
