import Testing
import XenHost

/// All that needs the machine: nested suites, one a subject, in files of their own. They follow one
/// another, as they share one boot and its two processors.
@Suite("Real Xen", .serialized)
struct RealXen {
  private static let boot = Task { try await XenHost.boot(HostConfiguration(images: [.disk])) }
  private static let diskBoot = Task { try await DiskDomain(on: try await host) }

  /// The host, booted by whoever asks first. It ends with the test process.
  static var host: XenHost {
    get async throws { try await boot.value }
  }

  /// The disk driver domain, which serves all scenarios of this boot.
  static var disk: DiskDomain {
    get async throws { try await diskBoot.value }
  }

  /// Checks that nothing is left of a guest that is gone: no node of ours, none of libxl's, no
  /// domain that cannot die because somebody still holds a page of it.
  static func expectNothingLeft(of domid: Int, name: String) async throws {
    let host = try await host
    let disk = try await disk
    #expect(try await disk.leaves(of: domid) == "")
    #expect(try await host.readXenStore("/libxl/\(domid)") == nil)
    let domains = try await host.listDomains()
    #expect(!domains.contains("(null)"))
    #expect(!domains.contains(name))
  }
}
