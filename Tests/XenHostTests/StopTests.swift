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
      let processes = try await host.dom0.check("ps -o args")
      #expect(!processes.contains("block-backend"))
      #expect(!processes.contains("driver-domain-init"))
      #expect(try await host.dom0.check("find / -xdev -name '*block-backend*'") == "")
      let domains = try await host.listDomains()
      #expect(!domains.contains("(null)"), "\(domains)")
    }

    @Test("the driver domain shuts down in order and gives its devices back")
    func shutdown() async throws {
      let host = try await RealXen.host
      let domain = try await RealXen.disk.domain
      try await domain.shutdown()
      #expect(domain.consoleLog.contains("driver-domain-init[1]: notice: stopping"))
      let assignable = try await host.dom0.check("xl pci-assignable-list")
      #expect(assignable.contains(XenHost.partitionedDisk))
      #expect(assignable.contains(XenHost.plainDisk))
      #expect(try await host.readXenStore("/local/domain/\(domain.domid)") == nil)
    }
  }
}
