import Testing
import XenHost

extension RealXen {
  /// The end, and what is left behind. Suites run in the order of their names: this is the last.
  @Suite("Stop")
  struct StopTests {
    @Test("Dom0 ran nothing of ours")
    func dom0IsUntouched() async throws {
      let host = try await RealXen.host
      _ = try await RealXen.disk
      _ = try await RealXen.network
      let processes = try await host.dom0.check("ps -o args")
      #expect(!processes.contains("-backend"))
      #expect(!processes.contains("driver-domain-init"))
      #expect(try await host.dom0.check("find / -xdev -name '*-backend*'") == "")
      let domains = try await host.listDomains()
      #expect(!domains.contains("(null)"), "\(domains)")
    }

    @Test("the driver domains shut down in order and give their devices back")
    func shutdown() async throws {
      let host = try await RealXen.host
      let disk = try await RealXen.disk.domain
      try await expectOrderly(disk, devices: [XenHost.partitionedDisk, XenHost.plainDisk])
      let network = try await RealXen.network.domain
      if RealXen.isOurNetwork {
        try await expectOrderly(network, devices: [XenHost.networkCard])
      } else {
        try await network.shutdown()
      }
      let domains = try await host.listDomains()
      #expect(!domains.contains("(null)"), "\(domains)")
    }

    private func expectOrderly(_ domain: Domain, devices: [String]) async throws {
      let host = try await RealXen.host
      try await host.dom0.check("xl shutdown -w \(domain.domid)")
      // What is left of it belongs to the xl that created it. One that ddctl has created has none.
      _ = try await host.dom0.run("xl destroy \(domain.domid)")
      try await domain.waitUntilGone()
      #expect(domain.consoleLog.contains("driver-domain-init[1]: notice: stopping"))
      let assignable = try await host.dom0.check("xl pci-assignable-list")
      for device in devices { #expect(assignable.contains(device)) }
      #expect(try await host.readXenStore("/local/domain/\(domain.domid)") == nil)
    }
  }
}
