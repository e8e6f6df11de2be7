/// `ddctl` in Dom0, which keeps a driver domain alive.
public struct DomainKeeper: Sendable {
  /// The driver domain's name.
  public let name: String
  private let domain: Domain
  private let host: XenHost

  /// What Dom0 needs: absolute path there, local path here.
  public static var files: [String: String] {
    [
      "/sbin/ddctl": TestHostFiles.root + "/images/out/control/ddctl",
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

  /// The command that starts the service, for scripts of Dom0.
  public var startCommand: String {
    "setsid ddctl run /run/xl/\(name).cfg </dev/null >>/run/ddctl-\(name).log 2>&1 &"
  }

  /// Starts the service, as after its own death.
  public func start() async throws {
    try await host.dom0.check(
      """
      xenstore-rm \(node)/activity 2>/dev/null
      \(startCommand)
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
  /// - Parameter command: a script of bash, which finds the domain's name in `$d` and its number in
  ///   `$n`.
  public func restart(
    by command: String, limit: Duration = .seconds(120)
  ) async throws -> DomainRestart {
    let next = try await restarts() + 1
    // Guests wait for Dom0 meanwhile, so this takes as little of its time as it can: it is told and
    // does not ask, and looks at what `ddctl` does only when the domain has been created. A keeper
    // that is killed may create it twice.
    let times = try await host.dom0.check(
      """
      d=\(name)
      n=\(domain.domid)
      follow() {
        exec 6< <(exec xenstore-watch "$1")
        watcher=$!
        read -r _ <&6
      }
      follow \(node)/restarts
      struck=${EPOCHREALTIME/./}
      { \(command)
      } >/run/strike.log 2>&1
      while read -r _ <&6; do [ "$(xenstore-read \(node)/restarts)" -ge \(next) ] && break; done
      kill $watcher
      follow \(node)/activity
      until [ "$(xenstore-read \(node)/activity)" = serving ]; do read -r _ <&6 || exit 1; done
      kill $watcher
      echo "struck-at=$struck $(xenstore-read \(node)/last-restart-microseconds)"
      """, timeout: limit)
    try await domain.joinNextLife()
    return DomainRestart(times)
  }
}

/// What one restart of a driver domain took, in microseconds: what the test has noted of the blow
/// and `ddctl` of all else.
public struct DomainRestart: Sendable {
  /// The fields of the record.
  private let fields: [String: Int]

  init(_ text: String) {
    var fields: [String: Int] = [:]
    for word in text.split(whereSeparator: \.isWhitespace) {
      let parts = word.split(separator: "=")
      if parts.count == 2 { fields[String(parts[0])] = Int(parts[1]) }
    }
    self.fields = fields
  }

  /// The parts that `ddctl` measures, in their order.
  public static let parts = ["destroy", "create", "rebuild", "boot"]

  /// When the domain was struck, by Dom0's clock of the day.
  public var struckAt: Int { fields["struck-at"] ?? 0 }
  /// From the blow until `ddctl` knew.
  public var notice: Int { max(0, noticedAt - struckAt) }
  /// From the moment that `ddctl` knew until the domain served.
  public var total: Int { fields["total"] ?? 0 }
  /// When `ddctl` knew, by Dom0's clock of the day.
  public var noticedAt: Int { fields["noticed-at"] ?? 0 }
  /// When the domain served, by Dom0's clock of the day.
  public var servedAt: Int { noticedAt + total }

  /// One of ``parts``; nil where there was none.
  public func part(_ name: String) -> Int? { fields[name] }

  /// In milliseconds, for people.
  public var text: String {
    (["notice \(notice / 1000)"] + Self.parts.map { "\($0) \((part($0) ?? 0) / 1000)" })
      .joined(separator: ", ") + " ms"
  }
}
