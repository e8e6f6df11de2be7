/// A driver domain with Linux's own xen-blkback, and with QEMU's block backend: what ours is
/// measured against.
public final class LinuxDiskDomain: Sendable {
  /// The domain's name, which guests' configurations call `backend`.
  public static let name = "linux-disk"

  /// The domain itself, whose agent answers.
  public let domain: Domain

  /// Creates the domain with a disk like that of ``DiskDomain``, and waits until it serves. The
  /// host must have ``DriverDomainImage/peer``.
  public init(on host: XenHost, memory: Int) async throws {
    domain = try await host.startGuest(
      .peerDomain(Self.name, pci: [XenHost.peerDisk], memory: memory))
    try await domain.check("setsid block-backend </dev/null >/run/block-backend.log 2>&1 &")
    try await host.waitForXenStore(
      "/local/domain/\(domain.domid)/data/block-backend", value: "ready")
  }

  /// A disk on a partition of the passed-through disk.
  ///
  /// - Parameter type: `phy` for xen-blkback, `qdisk` for QEMU.
  public static func partition(_ label: String, as device: String, type: String) -> Disk {
    var disk = Disk(device, target: "/dev/disk/by-partlabel/\(label)", backend: name)
    disk.type = type
    return disk
  }
}
