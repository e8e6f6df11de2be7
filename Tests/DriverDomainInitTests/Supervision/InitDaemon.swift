import Glibc
import RingTransport
import SimulatedXen
import SystemPackage
import Testing

@testable import DriverDomainInit

/// The real program as a daemon, with a XenStore of ours, and a script in the place of one backend.
final class InitDaemon {
  static let domain = DomainIdentifier(rawValue: 5)

  /// The script says what it was called with, and ends when it is told to. As a spare it waits for
  /// its order, which is one message, and after an order ahead for its turn, which is another.
  static let script = #"""
    #!/bin/sh
    [ "$1" = --template ] && exit 1
    origin=
    if [ "$1" = --spare ]; then
      order=$(dd bs=65536 count=1 <&4 2>/dev/null)
      [ -n "$order" ] || exit 0
      origin=" spare"
      case $order in
      '! '*)
        [ -n "$(dd bs=16 count=1 <&4 2>/dev/null)" ] || exit 0
        order=${order#! }
        origin=" successor"
        ;;
      esac
      set -- --path $order
    fi
    echo "$$ $(echo "$*" | sed 's/%20/ /g')$origin" >> "$0.calls"
    trap 'exit 0' TERM
    while :; do sleep 0.05; done
    """#

  let directory: TemporaryDirectory
  let socket: StoreSocket
  private(set) var process: pid_t = 0
  private var isRunning = false
  var control: LinkControl
  private let arguments: [String]

  /// - Parameters:
  ///   - role: the backend that is there.
  ///   - isStarted: whether to start the daemon at once.
  init(
    serving role: BackendPrograms.Role, _ options: [String], script: String = InitDaemon.script,
    isStarted: Bool = true
  ) throws {
    directory = try TemporaryDirectory()
    try directory.write(script, to: "backend")
    try directory.write("", to: "log")
    let path = directory.path
    // SAFETY: the string lives for the length of the call and ends in NUL.
    try systemCall { unsafe chmod(path + "/backend", 0o755) }
    socket = try StoreSocket(path + "/xenstored", domain: Self.domain)
    let programs = BackendPrograms.Role.allCases.flatMap { other in
      ["--\(other.rawValue)", other == role ? path + "/backend" : "/nonexistent"]
    }
    arguments = ["--supervise", "--xenstore", path + "/xenstored"] + programs + options
    control = try LinkControl()
    if isStarted { try start() }
  }

  deinit {
    // After a test that failed; its scripts end with it.
    if isRunning { kill(process, SIGTERM) }
  }

  func start() throws {
    process = try BackendProcess(errorPath: directory.path + "/log").start(
      BackendCommand(Self.program, arguments))
    isRunning = true
  }

  private static let program = built("driver-domain-init")

  /// The path of a program beside the tests, wherever the package is built.
  static func built(_ name: String) -> String {
    let source = #filePath.split(separator: "/").dropLast(4).joined(separator: "/")
    return "/\(source)/.build/debug/\(name)"
  }

  /// What the script was called with; the first word is the process.
  var calls: [String] {
    Text.lines(Files.text(of: directory.path + "/backend.calls", limit: 65536) ?? "")
  }

  /// The process of a call.
  func process(_ call: Int) throws -> pid_t {
    try #require(calls[call].split(separator: " ").first.flatMap { pid_t($0) })
  }

  var log: String { Files.text(of: directory.path + "/log", limit: 1 << 20) ?? "" }

  func link(_ name: String) throws -> Link? {
    try control.links().first { $0.name == name }
  }

  func path(_ relative: String) throws -> XenStorePath {
    try #require(XenStorePath("/local/domain/\(Self.domain)/\(relative)"))
  }

  func read(_ relative: String) throws -> String? {
    socket.store.read(try path(relative))
  }

  func write(_ relative: String, _ value: String?) throws {
    socket.store.write(try path(relative), value)
  }

  /// Goes on until something is so, for 30 seconds at most.
  func until(
    _ what: Comment, at location: SourceLocation = #_sourceLocation,
    _ condition: () throws -> Bool
  ) throws {
    let deadline = MonotonicClock.milliseconds() + 30_000
    while try !condition() {
      try socket.process()
      if MonotonicClock.milliseconds() > deadline {
        Issue.record("\(what) did not happen\n\(log)", sourceLocation: location)
        throw Errno.timedOut
      }
    }
  }

  func attachInterface(_ guest: Int, _ nodes: [String: String]) throws {
    for (name, value) in nodes { try write("backend/vif/\(guest)/0/\(name)", value) }
    try write("backend/vif/\(guest)/0/state", "1")
  }

  /// Waits for the daemon's end, and gives how it ended.
  func wait() throws -> ProcessEnd {
    var status: Int32 = 0
    try until("the daemon's end") {
      // SAFETY: the call writes the status only.
      unsafe waitpid(process, &status, WNOHANG) == process
    }
    isRunning = false
    return ProcessEnd(waitStatus: status)
  }

  /// Ends the daemon, and gives how it ended.
  func end() throws -> ProcessEnd {
    try SystemCall.signal(process, SIGTERM)
    return try wait()
  }
}
