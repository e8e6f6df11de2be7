import XenHost

/// The one boot that all scenarios share. It ends with the test process.
enum SharedHost {
  private static let boot = Task { try await XenHost.boot() }

  /// The host, booted by whoever asks first.
  static var host: XenHost {
    get async throws { try await boot.value }
  }
}
