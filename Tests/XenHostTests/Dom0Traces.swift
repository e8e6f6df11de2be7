import Testing
import XenHost

/// What domains that come and go leave in Dom0 and in the hypervisor.
struct Dom0Traces {
  private let host: XenHost
  private let nodes: String
  private let errors: String
  private let freeMebibytes: Int

  /// The hypervisor keeps some memory of its own for later.
  private static let slackMebibytes = 4

  /// Takes note of what there is.
  init(on host: XenHost) async throws {
    self.host = host
    nodes = try await Self.nodes(host)
    errors = try await Self.errors(host)
    freeMebibytes = try await Self.freeMebibytes(host)
  }

  /// Expects that nothing was added: no node, no line of the kernel about an error, no memory that
  /// is still in use, no domain that cannot die.
  func expectNone() async throws {
    // Copies of what guests were promised go a moment after the guests.
    for _ in 0..<10 where try await Self.nodes(host) != nodes {
      try await host.dom0.check("usleep 200000")
    }
    let now = Set(try await Self.nodes(host).split(separator: "\n"))
    let before = Set(nodes.split(separator: "\n"))
    #expect(now.subtracting(before).sorted() == [])
    #expect(before.subtracting(now).sorted() == [])
    #expect(try await Self.errors(host) == errors)
    let free = try await Self.freeMebibytes(host)
    #expect(free >= freeMebibytes - Self.slackMebibytes, "\(free) MiB of \(freeMebibytes)")
    let domains = try await host.listDomains()
    #expect(!domains.contains("(null)"), "\(domains)")
  }

  /// All paths of XenStore, but for those that differ from life to life: names of UUIDs, what a
  /// driver domain and its keeper tell of past deaths, and directories that the first guest makes.
  private static func nodes(_ host: XenHost) async throws -> String {
    try await host.dom0.check(
      """
      xenstore-ls -f / | sed -e 's/ = .*//' -e 's,^/vm/[0-9a-f-]*,/vm/UUID,' |
        grep -vE -e '/data/driver-domain/(devices|statistics|report|reported|drill|error)(/|$)' \
          -e '^/tool/driver-domains/[a-z]*/(answer|last-restart|last-restart-microseconds)$' \
          -e '^/tool/driver-domains/[a-z]*/promises(/vbd|/vif)?$' |
        sort -u
      """)
  }

  private static func errors(_ host: XenHost) async throws -> String {
    try await host.dom0.check("dmesg -r | grep -E '^<[0-3]>' || true")
  }

  private static func freeMebibytes(_ host: XenHost) async throws -> Int {
    Int(try await host.dom0.check("xl info free_memory")) ?? 0
  }
}
