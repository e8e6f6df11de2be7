import Testing
import XenHost

extension RealXen {
  /// Disks that cannot be served: the toolstack hears why, and nobody else is touched.
  @Suite("Disk failures")
  struct DiskFailureTests {
    @Test("a bad disk is refused with a reason, and a neighbour goes on")
    func refusals() async throws {
      let host = try await RealXen.host
      _ = try await RealXen.disk
      let neighbour = try await host.startGuest(
        .guest("neighbour", disks: [DiskDomain.partition("guest2"), DiskDomain.tools]))
      try await DiskDomain.mountTools(in: neighbour)
      async let load: String = neighbour.check(
        """
        /tools/fio/fio --name=neighbour --filename=/dev/xvda --direct=1 --ioengine=libaio \
          --iodepth=8 --rw=randrw --bs=4k --size=8M --io_size=4M --verify=crc32c --verify_fatal=1
        """, timeout: .seconds(300))
      try await expectRefusals([
        (
          Disk("xvda", target: "/dev/disk/by-partlabel/nowhere", backend: DiskDomain.name),
          "does not exist"
        ),
        (DiskDomain.partition("guest2", as: "xvdb"), "in use"),
        (
          Disk("xvdc", target: "not/absolute", backend: DiskDomain.name), "not an absolute path"
        ),
        (DiskDomain.image("empty.img", as: "xvdd"), "not one sector"),
      ]) { try await expectFormatRefusal(of: neighbour) }
      _ = try await load
      try await neighbour.shutdown()
    }

    /// Creates a guest that must not come up, with disks from xvda on that are all bad, and reads
    /// the reasons while libxl waits.
    ///
    /// - Parameter meanwhile: what else is looked at, for it waits long.
    private func expectRefusals(
      _ refusals: [(disk: Disk, reason: String)], meanwhile: () async throws -> Void
    ) async throws {
      let host = try await RealXen.host
      let directory = try await RealXen.disk.directory
      let configuration = DomainConfiguration.guest("refused", disks: refusals.map(\.disk))
      try await host.dom0.writeFile("/run/xl/refused.cfg", configuration.text)
      async let create = host.dom0.run("time xl create -q /run/xl/refused.cfg 2>&1")
      let errors = try await host.dom0.check(
        """
        until errors=$(xenstore-ls -f \(directory)/backend 2>/dev/null | grep hotplug-error) &&
          [ "$(echo "$errors" | wc -l)" = \(refusals.count) ]; do
          usleep 100000
        done
        echo "$errors"
        """
      ).split(separator: "\n")
      for (index, refusal) in refusals.enumerated() {
        // The number of xvda, and 16 from one letter to the next.
        let error = errors.first { $0.contains("/\(51712 + 16 * index)/hotplug-error") }
        #expect(error?.contains(refusal.reason) == true, "\(errors)")
      }
      try await meanwhile()
      let result = try await create
      #expect(!result.succeeded)
      let domains = try await host.listDomains()
      #expect(!domains.contains("refused") && !domains.contains("(null)"))
      let rest = try await host.dom0.run(
        "xenstore-ls -f \(directory)/backend 2>/dev/null | grep hotplug-error")
      #expect(rest.output == "")
    }

    /// A format that is not raw is refused, for a guest that runs.
    private func expectFormatRefusal(of guest: Domain) async throws {
      let host = try await RealXen.host
      let directory = try await RealXen.disk.directory
      // libxl does not wait for this kind of backend.
      _ = try await host.dom0.run(
        "xl block-attach \(guest.domid) 'format=qcow2,vdev=xvdp,access=rw,backend=disk,target=/x'")
      let leaf = "\(directory)/backend/qdisk/\(guest.domid)/\(51712 + 16 * 15)"
      let error = try await host.waitForXenStore("\(leaf)/hotplug-error")
      #expect(error.contains("use format=raw"))
      _ = try await host.dom0.run("xl block-detach -f \(guest.domid) xvdp")
      try await host.waitForXenStoreRemoval(leaf)
    }
  }
}
