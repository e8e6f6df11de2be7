/// A running disk driver domain with both of the host's passed-through disks.
public final class DiskDomain: Sendable {
  /// The domain's name, which guests' configurations call `backend`.
  public static let name = "disk"

  /// The domain itself; its console log is that of init and of all backends.
  public let domain: Domain
  private let host: XenHost

  /// Creates the domain and waits until it says that it is ready.
  public init(on host: XenHost, memory: Int = 128) async throws {
    self.host = host
    domain = try await host.createDomain(
      .driverDomain(
        Self.name, image: .disk, pci: [XenHost.partitionedDisk, XenHost.plainDisk], memory: memory,
        commandLine: "quiet rootfstype=ramfs oops=panic panic=-1 sysrq_always_enabled "
          + "driver_domain.log=debug "
          + "driver_domain.mount=/volumes:/dev/disk/by-partlabel/volumes:ext4"))
    try await host.waitForXenStore("\(directory)/data/driver-domain/status", value: "ready")
  }

  /// The domain's directory in XenStore.
  public var directory: String { "/local/domain/\(domain.domid)" }

  /// The leaf of a guest's disk.
  public func leaf(of guest: Domain, device: Int = 51712) -> String {
    "\(directory)/backend/vbd/\(guest.domid)/\(device)"
  }

  /// A disk on a partition of the passed-through disk.
  public static func partition(
    _ label: String, as device: String = "xvda", isWritable: Bool = true
  ) -> Disk {
    Disk(
      device, target: "/dev/disk/by-partlabel/\(label)", backend: name, isWritable: isWritable)
  }

  /// A disk on an image file of the volume that the domain mounts.
  public static func image(_ file: String, as device: String = "xvda") -> Disk {
    Disk(device, target: "/volumes/images/\(file)", backend: name)
  }

  /// The disk without partitions.
  public static func wholeDisk(as device: String = "xvda") -> Disk {
    Disk(device, target: "/dev/disk/by-serial/disk-b", backend: name)
  }

  /// The read-only volume with fio and its libraries; a guest mounts it on `/tools`.
  public static let tools = partition("tools", as: "xvdz", isWritable: false)

  /// Mounts the tools in a guest that has ``tools``.
  public static func mountTools(in guest: Domain) async throws {
    try await guest.check("mkdir -p /tools && mount -t ext4 -o ro /dev/xvdz /tools")
  }

  /// The leaves that are left for a domain number, one a line; empty when all is gone.
  public func leaves(of domid: Int) async throws -> String {
    try await host.dom0.run(
      "xenstore-ls -f \(directory)/backend 2>/dev/null | grep '/vbd/\(domid)/'"
    ).output
  }
}
