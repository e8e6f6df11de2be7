/// A driver domain with Linux's own xen-blkback: what ours is measured against.
public final class LinuxDiskDomain: Sendable {
  /// The domain's name, which guests' configurations call `backend`.
  public static let name = "linux-disk"

  /// The domain itself, whose agent answers.
  public let domain: Domain

  /// Creates the domain from the guests' image, with a disk like that of ``DiskDomain``, and waits
  /// until it serves.
  ///
  /// - Parameter image: a kernel with the backend built in; ``DriverDomainImage/peer``.
  public init(on host: XenHost, image: DriverDomainImage, memory: Int) async throws {
    var configuration = DomainConfiguration.guest(Self.name, memory: memory)
    configuration.kernel = image.kernelInDom0
    configuration.commandLine = DomainConfiguration.peerCommandLine
    configuration.pci = [XenHost.peerDisk]
    configuration.lines = ["cpu_weight = 1024"]
    domain = try await host.startGuest(configuration)
    try await domain.check("setsid block-backend </dev/null >/run/block-backend.log 2>&1 &")
    try await host.waitForXenStore(
      "/local/domain/\(domain.domid)/data/block-backend", value: "ready")
  }

  /// A disk on a partition of the passed-through disk.
  public static func partition(_ label: String, as device: String) -> Disk {
    Disk(device, target: "partlabel:\(label)", backend: name)
  }
}
