import Testing
import XenHost

extension RealXen {
  /// What the images promise of themselves: little memory, a quick start, interrupts that arrive.
  @Suite("Images", inCompleteRun)
  struct ImageTests {
    /// The smallest memory of a driver domain, in MiB.
    static let memory = 64
    static let commandLine = "quiet rootfstype=ramfs oops=panic panic=-1"
    /// A start that takes longer waits for something: a device, a clock, a driver. The goal is a
    /// second on a machine that does nothing else; what it took is printed.
    static let startLimit = Duration.seconds(10)

    @Test("ready soon after the first instruction", arguments: [DriverDomainImage.disk, .network])
    func startsQuickly(image: DriverDomainImage) async throws {
      let device = image.name == "disk" ? XenHost.nvmeDisk : XenHost.peerNetworkCard
      let (domain, time) = try await start("quick-\(image.name)", image: image, pci: [device])
      try await domain.shutdown()
      #expect(time <= Self.startLimit)
    }

    @Test("an NVMe disk works on MSI-X, for eight disks of a guest in 64 MiB")
    func nvme() async throws {
      let host = try await RealXen.host
      let (domain, _) = try await start(
        "nvme", image: .disk, pci: [XenHost.nvmeDisk], words: "driver_domain.wait=/dev/nvme0n1")
      // Dom0 has set the interrupts up, so it knows their kind.
      let kinds = try await host.dom0.check(
        "cat /sys/bus/pci/devices/0000:\(XenHost.nvmeDisk)/msi_irqs/*")
      #expect(Set(kinds.split(separator: "\n")) == ["msix"])

      // Several disks may share a target that none of them writes to.
      let disks = "abcdefgh".map {
        Disk("xvd\($0)", target: "/dev/nvme0n1", backend: "nvme", isWritable: false)
      }
      let guest = try await host.startGuest(.guest("eight-disks", disks: disks))
      let begin = ContinuousClock.now
      // The disk's interrupt line loses interrupts in QEMU, which leaves 23 requests a second.
      try await guest.check("dd if=/dev/xvda of=/dev/null bs=4k count=500 iflag=direct")
      let time = ContinuousClock.now - begin
      print("500 reads from NVMe took \(time)")
      #expect(time < .seconds(15))
      try await guest.check(
        """
        for disk in a b c d e f g h; do
          dd if=/dev/xvd$disk of=/dev/null bs=1M count=32 iflag=direct &
        done
        wait
        """)
      #expect(try await !guest.check("dmesg").contains("I/O error"))
      try await guest.shutdown()
      try await shutDown(domain)
    }

    @Test("a network card serves eight interfaces of a guest in 64 MiB")
    func network() async throws {
      let host = try await RealXen.host
      let (domain, _) = try await start(
        "uplink", image: .network, pci: [XenHost.peerNetworkCard],
        words: "driver_domain.bridge=xenbr0:eth0 driver_domain.bridge=inside:")
      // One on the card. The others, on one wire, would answer for each other.
      let interfaces = (0..<8).map {
        Interface(
          mac: "00:16:3e:00:02:0\($0)", bridge: $0 == 0 ? "xenbr0" : "inside", backend: "uplink")
      }
      let guest = try await host.startGuest(.guest("eight-vifs", interfaces: interfaces))
      _ = try await guest.requestAddress()
      #expect(try await guest.pingsLost(to: OutsideNetwork.second.address, count: 20) == 0)
      for number in 1..<8 {
        try await guest.check(
          "ip link set eth\(number) up; until grep -q 1 /sys/class/net/eth\(number)/carrier; "
            + "do usleep 20000; done")
      }
      try await guest.shutdown()
      try await shutDown(domain)
    }

    @Test("the kernels start in a PVH domain too", arguments: [DriverDomainImage.disk, .network])
    func pvh(image: DriverDomainImage) async throws {
      let (domain, _) = try await start(
        "pvh-\(image.name)", kind: .pvh, image: image, words: "driver_domain.bridge=xenbr0:")
      try await shutDown(domain)
    }

    /// Ends a driver domain, which must have had enough memory.
    private func shutDown(_ domain: Domain) async throws {
      try await domain.shutdown()
      #expect(!domain.consoleLog.contains("Out of memory"))
      #expect(!domain.consoleLog.contains("allocation failure"))
    }

    /// Starts a driver domain, and measures how long it takes from its first instruction on.
    private func start(
      _ name: String, kind: DomainConfiguration.Kind = .pv, image: DriverDomainImage,
      pci: [String] = [], words: String = ""
    ) async throws -> (domain: Domain, time: Duration) {
      let host = try await RealXen.host
      var configuration = DomainConfiguration.driverDomain(
        name, image: image, pci: pci, memory: Self.memory,
        commandLine: "\(Self.commandLine) \(words)")
      configuration.kind = kind
      let domain = try await host.createDomain(configuration, isPaused: true)
      let node = "/local/domain/\(domain.domid)/data/driver-domain/status"
      // Dom0's clock has hundredths of a second.
      let times = try await host.dom0.check(
        """
        cut -d ' ' -f 1 /proc/uptime
        xl unpause \(domain.domid) && xenstore-await \(node) ready >/dev/null
        cut -d ' ' -f 1 /proc/uptime
        """
      ).split(separator: "\n").compactMap { Double($0) }
      try #require(times.count == 2)
      let time = Duration.seconds(times[1] - times[0])
      print("the \(image.name) image (\(kind.rawValue)) was ready \(time) after it was unpaused")
      return (domain, time)
    }
  }
}
