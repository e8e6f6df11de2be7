/// The user and group that a backend process becomes: a number of its own for each device.
///
/// From 0x7000_0000 to 0x7FFF_FFFF, which distributions leave alone (systemd gives containers
/// numbers below, and uses nothing between 0x7000_0000 and 0x7FFD_FFFF):
///
/// | bits | what |
/// |---|---|
/// | 28 to 31 | 7 |
/// | 13 to 27 | the guest's domain, which Xen keeps below 0x7FF0 |
/// | 12 | 1 for an interface, 0 for a disk |
/// | 0 to 11 | the device's number, folded |
///
/// Two guests never share a user. Two devices of one guest might, if their numbers were chosen for
/// it; the disks that libxl numbers have users of their own.
public struct BackendUser: Hashable, Sendable {
  /// The user's number, and the group's.
  public let rawValue: UInt32

  /// The user of a device.
  public init(_ leaf: BackendLeaf) {
    let domain = UInt32(leaf.frontendDomain.rawValue & 0x7FFF)
    let kind: UInt32 = leaf.kind.isDisk ? 0 : 1
    let device = (leaf.device ^ (leaf.device >> 12) ^ (leaf.device >> 24)) & 0xFFF
    rawValue = 0x7000_0000 | domain << 13 | kind << 12 | device
  }
}
