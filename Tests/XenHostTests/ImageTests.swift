import Testing
import XenHost

extension RealXen {
  /// What the images promise of themselves: little memory, a quick start, interrupts that arrive.
  @Suite("Images")
  struct ImageTests {
    /// The smallest memory of a driver domain, in MiB.
    static let memory = 64
    static let commandLine = "quiet rootfstype=ramfs oops=panic panic=-1"
    /// The goal is one second. On a machine that builds something beside this test it takes twelve,
    /// in a PVH domain; a domain that hangs never gets there.
    static let bootLimit = Duration.seconds(40)

    @Test("an NVMe disk works on MSI-X, for eight disks of a guest in 64 MiB")
    func nvme() async throws {
      let host = try await RealXen.host
      let domain = try await start(
        "nvme", image: .disk, pci: [XenHost.nvmeDisk], words: "driver_domain.wait=/dev/nvme0n1")
      // Dom0 has set the interrupts up, so it knows their kind.
      let kinds = try await host.dom0.check(
        "cat /sys/bus/pci/devices/0000:\(XenHost.nvmeDisk)/msi_irqs/*")
      #expect(Set(kinds.split(separator: "\n")) == ["msix"])

      // Several disks may share a target that none of them writes to.
      let disks = "abcdefgh".map {
        Disk("xvd\($0)", target: "/dev/nvme0n1", backend: "nvme", isWritable: false)
      }
      let guest = try await host.startGuest(.guest("eight", disks: disks))
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
      try await domain.shutdown()
      #expect(!domain.consoleLog.contains("Out of memory"))
      #expect(!domain.consoleLog.contains("allocation failure"))
    }

    @Test("the network image is ready with a card in 64 MiB")
    func network() async throws {
      let domain = try await start("uplink", image: .network, pci: [XenHost.peerNetworkCard])
      try await domain.shutdown()
      #expect(!domain.consoleLog.contains("Out of memory"))
    }

    @Test("the kernels start in a PVH domain too", arguments: [DriverDomainImage.disk, .network])
    func pvh(image: DriverDomainImage) async throws {
      let domain = try await start(
        "pvh-\(image.name)", kind: .pvh, image: image, words: "driver_domain.bridge=xenbr0:")
      try await domain.shutdown()
    }

    /// Starts a driver domain, measures how long it takes, and prints that.
    private func start(
      _ name: String, kind: DomainConfiguration.Kind = .pv, image: DriverDomainImage,
      pci: [String] = [], words: String = ""
    ) async throws -> Domain {
      let host = try await RealXen.host
      var configuration = DomainConfiguration.driverDomain(
        name, image: image, pci: pci, memory: Self.memory,
        commandLine: "\(Self.commandLine) \(words)")
      configuration.kind = kind
      let domain = try await host.createDomain(configuration, isPaused: true)
      let begin = ContinuousClock.now
      try await host.dom0.check("xl unpause \(domain.domid)")
      try await host.waitForXenStore(
        "/local/domain/\(domain.domid)/data/driver-domain/status", value: "ready")
      let time = ContinuousClock.now - begin
      print("the \(image.name) image (\(kind.rawValue)) was ready \(time) after it was unpaused")
      #expect(time < Self.bootLimit)
      return domain
    }
  }
}
