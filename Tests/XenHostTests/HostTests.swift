import Testing
import XenHost

/// All that needs the machine. Scenarios follow one another: they share its two processors.
@Suite("Real Xen", .serialized)
struct HostTests {
  @Test("Dom0 boots and runs commands")
  func boots() async throws {
    let host = try await SharedHost.host
    #expect(try await host.dom0.check("xl info").contains("xen_version            : 4.17"))
    #expect(try await host.dom0.run("exit 3").status == 3)
  }
}
