import Testing
import XenHost

/// All that needs the machine: nested suites, one a subject, in files of their own. They follow one
/// another, as they share one boot and its two processors.
@Suite("Real Xen", .serialized)
struct RealXen {
  private static let boot = Task { try await XenHost.boot() }

  /// The host, booted by whoever asks first. It ends with the test process.
  static var host: XenHost {
    get async throws { try await boot.value }
  }
}
