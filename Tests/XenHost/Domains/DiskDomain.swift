/// A running disk driver domain.
public final class DiskDomain: Sendable {
  /// The usual name, which guests' configurations call `backend`.
  public static let name = "disk"

  /// What a domain serves from.
  public enum Source: Sendable {
    /// Both of the host's passed-through disks, and a volume with images on one of them.
    case disksAndVolume
    /// The passed-through disk with partitions alone.
    case disk
    /// A partition of Dom0's own disk, from Dom0's xen-blkback: no device is passed through, and
    /// the domain's kernel is a guest with an `xvda`.
    case partitionOfDom0(Int)
  }

  /// The domain itself; its console log is that of init and of all backends.
  public let domain: Domain
  private let host: XenHost

  /// Creates the domain and waits until it says that it is ready.
  public init(
    on host: XenHost, named name: String = DiskDomain.name, source: Source = .disksAndVolume,
    memory: Int = 128
  ) async throws {
    self.host = host
    var pci: [String] = []
    var disks: [Disk] = []
    let awaited: String
    switch source {
    case .disksAndVolume:
      pci = [XenHost.partitionedDisk, XenHost.plainDisk]
      awaited = "mount=/volumes:/dev/disk/by-partlabel/volumes:ext4"
    case .disk:
      pci = [XenHost.partitionedDisk]
      awaited = "wait=/dev/disk/by-partlabel/scratch"
    case .partitionOfDom0(let number):
      disks = [.dom0("xvda", target: "\(XenHost.dom0Disk)\(number)")]
      awaited = "wait=/dev/xvda"
    }
    var configuration = DomainConfiguration.driverDomain(
      name, image: .disk, pci: pci, memory: memory,
      commandLine: "quiet rootfstype=ramfs oops=panic panic=-1 sysrq_always_enabled "
        + "driver_domain.log=debug driver_domain.\(awaited)")
    configuration.disks = disks
    domain = try await host.createDomain(configuration)
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
