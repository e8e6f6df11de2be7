import Foundation
import Testing
import XenHost

/// All that needs the machine: nested suites, one a subject, in files of their own. They follow one
/// another, as they share one boot and its two processors.
@Suite("Real Xen", .serialized)
struct RealXen {
  /// Whether the network's scenarios run against our backend. `NETWORK_BACKEND=linux` runs them
  /// against Linux's own, to tell a fault of ours from one of the machine.
  static let isOurNetwork = ProcessInfo.processInfo.environment["NETWORK_BACKEND"] != "linux"

  /// Whether failures are rehearsed ten times as often (`make soak`).
  static let isSoak = ProcessInfo.processInfo.environment["SCENARIOS"] == "soak"

  /// Whether the scenarios run that `make test` has no time for (`make test-all`, `make soak`).
  static let isComplete = isSoak || ProcessInfo.processInfo.environment["SCENARIOS"] == "all"

  /// How often a device is attached and detached.
  static let hotplugRounds = isComplete ? 10 : 4

  /// For scenarios that `make test` leaves out, to stay within the time that CI has.
  static var inCompleteRun: ConditionTrait { .enabled(if: isComplete, "make test-all") }

  private static let boot = Task {
    try await XenHost.boot(
      HostConfiguration(
        images: isOurNetwork ? [.disk, .network] : [.disk],
        files: isOurNetwork ? DomainKeeper.files : [:]))
  }
  private static let diskBoot = Task { try await DiskDomain(on: try await host) }
  private static let networkBoot = Task { () -> any NetworkBackendDomain in
    let host = try await boot.value
    return isOurNetwork ? try await NetworkDomain(on: host) : try await LinuxNetworkDomain(on: host)
  }

  /// The host, booted by whoever asks first. It ends with the test process.
  static var host: XenHost {
    get async throws { try await boot.value }
  }

  /// The disk driver domain, which serves all scenarios of this boot.
  static var disk: DiskDomain {
    get async throws { try await diskBoot.value }
  }

  /// The network driver domain, which serves all scenarios of this boot.
  static var network: any NetworkBackendDomain {
    get async throws { try await networkBoot.value }
  }

  /// The nodes of all backends that are left for a domain number, one a line.
  static func leaves(of domid: Int) async throws -> String {
    try await host.dom0.run(
      "xenstore-ls -f /local/domain 2>/dev/null | grep -E '/backend/(vbd|vif)/\(domid)[/ ]'"
    ).output
  }

  /// Shuts guests down, one after the other, and checks that nothing is left of them.
  static func shutDown(_ guests: [Domain]) async throws {
    for guest in guests {
      let number = guest.domid
      try await guest.shutdown()
      try await expectNothingLeft(of: number, name: guest.name)
    }
  }

  /// Checks that nothing is left of a guest that is gone: no node of a backend, none of libxl's, no
  /// domain that cannot die because somebody still holds a page of it.
  static func expectNothingLeft(of domid: Int, name: String) async throws {
    let host = try await host
    #expect(try await leaves(of: domid) == "")
    #expect(try await host.readXenStore("/libxl/\(domid)") == nil)
    let domains = try await host.listDomains()
    #expect(!domains.contains("(null)"))
    #expect(!domains.contains(name))
  }
}
