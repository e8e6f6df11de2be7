import Glibc
import RingTransport
import SimulatedXen
import SystemPackage
import Testing

@testable import DriverDomainInit

/// The real program as a daemon in a network of its own, with a XenStore of ours, and a script in
/// the place of `net-backend`.
@Suite(.enabled(if: NetworkNamespace.isPossible), .timeLimit(.minutes(2)))
struct NetworkServiceTests {
  private static let domain = DomainIdentifier(rawValue: 5)

  /// The script says what it was called with, and ends when it is told to.
  private static let script = #"""
    #!/bin/sh
    echo "$$ $@" >> "$0.calls"
    trap 'exit 0' TERM
    while :; do sleep 0.05; done
    """#

  /// The world of one test.
  private final class World {
    let directory: TemporaryDirectory
    let socket: StoreSocket
    let process: pid_t
    var control: LinkControl

    init(_ options: [String]) throws {
      directory = try TemporaryDirectory()
      try directory.write(NetworkServiceTests.script, to: "net")
      try directory.write("", to: "log")
      let path = directory.path
      // SAFETY: the string lives for the length of the call and ends in NUL.
      try systemCall { unsafe chmod(path + "/net", 0o755) }
      socket = try StoreSocket(path + "/xenstored", domain: NetworkServiceTests.domain)
      let arguments =
        [
          "--supervise", "--xenstore", path + "/xenstored", "--net-backend", path + "/net",
          "--block-backend", "/nonexistent",
        ] + options
      let program = BackendCommand(NetworkServiceTests.program, arguments)
      process = try BackendProcess(errorPath: path + "/log").start(program)
      control = try LinkControl()
    }

    /// The first number of each call is the process.
    var calls: [String] { Text.lines(Files.text(of: directory.path + "/net.calls") ?? "") }

    var log: String { Files.text(of: directory.path + "/log", limit: 65536) ?? "" }

    func link(_ name: String) throws -> Link? {
      try control.links().first { $0.name == name }
    }

    func path(_ relative: String) throws -> XenStorePath {
      try #require(XenStorePath("/local/domain/\(NetworkServiceTests.domain)/\(relative)"))
    }

    func read(_ relative: String) throws -> String? {
      socket.store.read(try path(relative))
    }

    func write(_ relative: String, _ value: String?) throws {
      socket.store.write(try path(relative), value)
    }

    /// Goes on until something is so, for 20 seconds at most.
    func until(
      _ what: Comment, at location: SourceLocation = #_sourceLocation,
      _ condition: () throws -> Bool
    ) throws {
      let deadline = MonotonicClock.milliseconds() + 20_000
      while try !condition() {
        try socket.process()
        if MonotonicClock.milliseconds() > deadline {
          Issue.record("\(what) did not happen\n\(log)", sourceLocation: location)
          throw Errno.timedOut
        }
      }
    }

    func attach(_ guest: Int, _ nodes: [String: String]) throws {
      for (name, value) in nodes { try write("backend/vif/\(guest)/0/\(name)", value) }
      try write("backend/vif/\(guest)/0/state", "1")
    }

    /// Ends the daemon, and gives how it ended.
    func end() throws -> ProcessEnd {
      try SystemCall.signal(process, SIGTERM)
      var status: Int32 = 0
      try until("the daemon's end") {
        // SAFETY: the call writes the status only.
        unsafe waitpid(process, &status, WNOHANG) == process
      }
      return ProcessEnd(waitStatus: status)
    }
  }

  /// Beside the tests, wherever the package is built.
  private static let program: String = {
    let source = #filePath.split(separator: "/").dropLast(4).joined(separator: "/")
    return "/\(source)/.build/debug/driver-domain-init"
  }()

  private let mac = "00:16:3e:01:02:03"

  @Test func interfaceLivesAndDies() throws {
    try NetworkNamespace.run { [mac] in
      try NetworkNamespace.makeCable("nic", "switch")
      let world = try World(["driver_domain.bridge=xenbr0:nic", "driver_domain.filter=not port 25"])
      try world.control.apply(.createTap("vif9.0"))
      try world.until("ready") { try world.read("data/driver-domain/status") == "ready" }
      #expect(try world.read("data/driver-domain/interfaces/nic")?.contains("xenbr0") == true)

      try world.write("backend/vbd/2/51712/state", "1")
      try world.attach(
        2, ["mac": mac, "bridge": "xenbr0", "script": "/etc/xen/scripts/vif-bridge"])
      try world.until("start") { world.calls.count == 1 }
      #expect(
        world.calls[0].hasSuffix(
          " --path backend/vif/2/0 --uplink tap:vif2.0 --filter not port 25 --log-level info"))
      let tap = try #require(try world.link("vif2.0"))
      #expect(tap.bridgeIndex == (try world.link("xenbr0")?.index))
      #expect(try world.link("vif9.0") == nil, "left by an earlier init")
      #expect(world.log.contains("not served"), "nobody here serves disks")

      // A backend that dies is replaced, on the same device.
      try SystemCall.signal(try Self.process(world.calls[0]), SIGKILL)
      try world.until("second start") { world.calls.count == 2 }
      #expect(try world.link("vif2.0")?.index == tap.index)

      try world.write("backend/vif/2", nil)
      try SystemCall.signal(try Self.process(world.calls[1]), SIGTERM)
      try world.until("removal") { try world.link("vif2.0") == nil }
      #expect(world.calls.count == 2)
      #expect(try world.end() == .exited(code: 0))
    }
  }

  @Test func interfaceThatCannotBeServedIsToldToItsBackend() throws {
    try NetworkNamespace.run { [mac] in
      let world = try World(["driver_domain.bridge=xenbr0:"])
      try world.attach(2, ["mac": mac, "bridge": "xenbr0", "vlan": "7"])
      try world.attach(3, ["mac": mac, "bridge": "elsewhere"])
      try world.until("starts") { world.calls.count == 2 }
      let calls = world.calls.sorted { $0.drop { $0 != " " } < $1.drop { $0 != " " } }
      #expect(calls[0].contains("--unusable vlan=7 is not supported"))
      #expect(calls[1].contains("--unusable the bridge elsewhere does not exist"))
      #expect(try world.link("vif2.0") == nil)
      #expect(try world.end() == .exited(code: 0))
    }
  }

  @Test func captureFollowsItsNode() throws {
    try NetworkNamespace.run { [mac] in
      let world = try World(["driver_domain.bridge=xenbr0:"])
      try world.attach(2, ["mac": mac, "bridge": "xenbr0"])
      try world.until("start") { world.calls.count == 1 }
      let file = world.directory.path + "/capture"
      try world.write("data/driver-domain/capture/vif2-0", "\(file) 5")
      try world.until("capture") { world.calls.count == 2 }
      #expect(
        world.calls[1].hasSuffix(" capture --interface vif2.0 --file \(file) --limit-mib 5"))
      try world.until("result") {
        try world.read("data/driver-domain/captured/vif2-0") == "running: \(file)"
      }
      try world.directory.write("four", to: "capture")
      try world.write("data/driver-domain/capture/vif2-0", nil)
      try world.until("end") {
        try world.read("data/driver-domain/captured/vif2-0") == "finished: \(file), 4 bytes"
      }
      // The file is there now, and stays as it is.
      try world.write("data/driver-domain/capture/vif2-0", "\(file) 5")
      try world.until("refusal") {
        try world.read("data/driver-domain/captured/vif2-0") == "failed: \(file) exists already"
      }
      #expect(try world.end() == .exited(code: 0))
    }
  }

  private static func process(_ call: String) throws -> pid_t {
    try #require(call.split(separator: " ").first.flatMap { pid_t($0) })
  }
}
