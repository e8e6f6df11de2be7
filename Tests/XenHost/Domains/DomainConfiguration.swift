/// What `xl create` is told about a domain.
public struct DomainConfiguration: Sendable {
  /// How a domain is virtualised.
  public enum Kind: String, Sendable {
    /// Paravirtualised.
    case pv
    /// Hardware virtualised, without an emulated machine.
    case pvh
  }

  /// The domain's name, unique among those that run.
  public var name: String
  /// PV or PVH.
  public var kind: Kind
  /// The kernel, in Dom0.
  public var kernel: String
  /// The initramfs, in Dom0.
  public var ramdisk: String
  /// The kernel's command line.
  public var commandLine: String
  /// Memory in MiB.
  public var memory: Int
  /// Virtual disks.
  public var disks: [Disk]
  /// Virtual processors.
  public var processors: Int
  /// Virtual network interfaces.
  public var interfaces: [Interface]
  /// Passed-through devices, as `bus:device.function`.
  public var pci: [String]
  /// More lines of `xl.cfg`.
  public var lines: [String]

  /// A guest with the frontends of Debian's kernel and an agent on its console.
  public static func guest(
    _ name: String, kind: Kind = .pv, memory: Int = 192, processors: Int = 1,
    disks: [Disk] = [], interfaces: [Interface] = [], commandLine: String = ""
  ) -> DomainConfiguration {
    DomainConfiguration(
      name: name, kind: kind, kernel: "/images/guest/vmlinux", ramdisk: "/images/guest/initrd",
      commandLine:
        "console=hvc0 loglevel=4 rodata=off mitigations=off \(quickStart) \(commandLine)",
      memory: memory, disks: disks, processors: processors, interfaces: interfaces, pci: [],
      lines: [])
  }

  /// A second of a guest's start, of which there are many: rewriting lock prefixes, and tests of
  /// ciphers that nobody uses.
  private static let quickStart = "noreplace-smp cryptomgr.notests"

  /// A driver domain: an ordinary PV domain that has the devices.
  public static func driverDomain(
    _ name: String, image: DriverDomainImage, pci: [String], memory: Int = 64,
    commandLine: String = ""
  ) -> DomainConfiguration {
    DomainConfiguration(
      name: name, kind: .pv, kernel: image.kernelInDom0, ramdisk: image.ramdiskInDom0,
      commandLine: "console=hvc0 nofsgsbase noreplace-smp nbd.nbds_max=0 \(commandLine)",
      memory: memory, disks: [],
      processors: 1, interfaces: [], pci: pci,
      // Whoever keeps the domain acts on its death, and nobody beside it.
      lines: ["crash", "watchdog", "reboot"].map { "on_\($0) = \"preserve\"" }
        + driverDomainLines)
  }

  /// A driver domain with Linux's own backends, for comparisons: the guests' initramfs, whose agent
  /// answers, with QEMU in it, under our build of Linux. Its kernel has no less protection against
  /// faults of processors than that of ours, which costs time.
  static func peerDomain(_ name: String, pci: [String], memory: Int) -> DomainConfiguration {
    var configuration = guest(name, memory: memory)
    configuration.kernel = DriverDomainImage.peer.kernelInDom0
    configuration.ramdisk = DriverDomainImage.peer.ramdiskInDom0
    configuration.commandLine = "console=hvc0 loglevel=4 nofsgsbase noreplace-smp nbd.nbds_max=0"
    configuration.pci = pci
    // QEMU has to be able to say in XenStore that it runs.
    configuration.lines = driverDomainLines + ["driver_domain = 1"]
    return configuration
  }

  /// As in the configurations under images/: all that guests wait for comes first, and the clock is
  /// read without Xen's help.
  private static let driverDomainLines = ["cpu_weight = 1024", "tsc_mode = \"native\""]

  /// The text of the configuration file.
  public var text: String {
    let fields = [
      "name = \(quoted(name))",
      "type = \(quoted(kind.rawValue))",
      "kernel = \(quoted(kernel))",
      "ramdisk = \(quoted(ramdisk))",
      "extra = \(quoted(commandLine))",
      "memory = \(memory)",
      "vcpus = \(processors)",
      "disk = \(list(disks.map(\.text)))",
      "vif = \(list(interfaces.map(\.text)))",
      "pci = \(list(pci))",
    ]
    return (fields + lines).joined(separator: "\n") + "\n"
  }

  private func quoted(_ text: String) -> String { "\"\(text)\"" }

  private func list(_ items: [String]) -> String {
    "[" + items.map(quoted).joined(separator: ", ") + "]"
  }
}
