import Foundation

/// `ddctl` in Dom0, which keeps a driver domain alive.
public struct DomainKeeper: Sendable {
  /// The driver domain's name.
  public let name: String
  private let domain: Domain
  private let host: XenHost

  /// What Dom0 needs: absolute path there, local path here.
  public static var files: [String: String] {
    let root = URL(filePath: #filePath)
      .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent()
    return [
      "/sbin/ddctl": root.appending(path: "images/out/control/ddctl").path,
      // A part of libc that nothing else in this small Dom0 uses.
      "/lib/x86_64-linux-gnu/libm.so.6": "/lib/x86_64-linux-gnu/libm.so.6",
    ]
  }

  /// Starts to keep a domain that was made by hand, and waits until its keeper knows it.
  public init(of domain: Domain, on host: XenHost) async throws {
    name = domain.name
    self.domain = domain
    self.host = host
    try await start()
  }

  private var node: String { "/tool/driver-domains/\(name)" }

  /// Starts the service, as after its own death.
  public func start() async throws {
    try await host.dom0.check(
      """
      xenstore-rm \(node)/activity 2>/dev/null
      setsid ddctl run /run/xl/\(name).cfg </dev/null >>/run/ddctl-\(name).log 2>&1 &
      xenstore-await \(node)/activity serving
      """)
  }

  /// Ends the service with SIGKILL.
  public func kill() async throws {
    try await host.dom0.check("kill -9 $(xenstore-read \(node)/pid)")
  }

  /// Ends the service in order; the domain stays.
  public func stop() async throws {
    try await host.dom0.check(
      """
      process=$(xenstore-read \(node)/pid)
      kill $process; while kill -0 $process 2>/dev/null; do usleep 10000; done
      xenstore-rm \(node)
      """)
  }

  /// How often the domain was created again.
  public func restarts() async throws -> Int {
    try await host.readXenStore("\(node)/restarts").flatMap { Int($0) } ?? 0
  }

  /// What the service has logged, of all its lives.
  public func log() async throws -> String {
    try await host.dom0.check("cat /run/ddctl-\(name).log")
  }

  /// Runs a command of Dom0 that costs the domain its life, and waits until the next one serves.
  ///
  /// - Returns: how long the parts took, as `ddctl` says.
  public func restart(
    by command: String, limit: Duration = .seconds(120)
  ) async throws -> String {
    let next = try await restarts() + 1
    try await host.dom0.check(command, timeout: limit)
    // A life more where a keeper was killed while it made one.
    try await host.dom0.check(
      """
      until [ "$(xenstore-read \(node)/restarts)" -ge \(next) ] &&
        [ "$(xenstore-read \(node)/activity)" = serving ]; do usleep 50000; done
      """, timeout: limit)
    try await domain.joinNextLife()
    return try await host.waitForXenStore("\(node)/last-restart")
  }
}
