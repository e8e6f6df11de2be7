import Glibc
import RingTransport
import SystemPackage
import Testing

@testable import DriverDomainInit

/// The real program as a daemon, and what it does about real processes that die, hang or give way.
@Suite(.timeLimit(.minutes(2))) struct BackendServiceTests {
  private let state = "backend/vbd/2/51712/state"

  /// A daemon whose one disk is connected and served.
  private func connected(
    _ options: [String] = [], script: String = InitDaemon.script
  ) throws -> InitDaemon {
    let daemon = try InitDaemon(
      serving: .block, ["driver_domain.log=debug"] + options, script: script)
    try daemon.write(state, "1")
    try daemon.until("start") { daemon.calls.count == 1 }
    try daemon.write(state, "4")
    return daemon
  }

  private func untilSpareWaits(_ daemon: InitDaemon) throws {
    try daemon.until("spare") { daemon.log.contains("a spare waits") }
  }

  /// The processes that have waited for their turn, the last one too.
  private func successors(_ daemon: InitDaemon) -> [pid_t] {
    daemon.log.split(separator: "a successor waits as process ").dropFirst().compactMap {
      pid_t($0.prefix { $0.isNumber })
    }
  }

  private func untilSuccessorWaits(_ daemon: InitDaemon, count: Int = 1) throws {
    try daemon.until("successor") { successors(daemon).count >= count }
  }

  @Test func deadBackendIsFollowedByItsSuccessor() throws {
    let daemon = try connected()
    #expect(
      daemon.calls[0].hasSuffix(
        " --path backend/vbd/2/51712 --log-level debug --status-descriptor 3"))
    for round in 1...3 {
      try untilSuccessorWaits(daemon, count: round)
      try SystemCall.signal(try daemon.process(round - 1), SIGKILL)
      try daemon.until("next process") { daemon.calls.count == round + 1 }
      #expect(daemon.calls[round].contains(" backend/vbd/2/51712 --log-level debug "))
      #expect(daemon.calls[round].hasSuffix(" successor"))
    }
    let orders = daemon.log.split(separator: "\n").filter { $0.contains("order sent") }
    // The first death may be seen before the watch event of state 4, and is followed a bit later.
    #expect(orders.count >= 2)
    print(orders.joined(separator: "\n"))
    try daemon.until("count") {
      try daemon.read("data/driver-domain/devices/vbd-2-51712") == "restarts 3"
    }
    #expect(try daemon.end() == .exited(code: 0))
  }

  @Test func withoutASuccessorTheSpareFollows() throws {
    let daemon = try connected()
    try untilSpareWaits(daemon)
    for round in 1...3 {
      try untilSuccessorWaits(daemon, count: round)
      // First, so that init sees both deaths, or this one alone.
      try SystemCall.signal(successors(daemon)[round - 1], SIGKILL)
      try SystemCall.signal(try daemon.process(round - 1), SIGKILL)
      try daemon.until("next process") { daemon.calls.count == round + 1 }
      #expect(daemon.calls[round].contains(" backend/vbd/2/51712 --log-level debug "))
    }
    #expect(
      daemon.calls[1].hasSuffix(
        "@device-type @discard-enable @frontend @mode @params @removable spare"),
      "\(daemon.calls[1])")
    #expect(try daemon.end() == .exited(code: 0))
  }

  /// A device that is not connected any more could be connected to something else later.
  @Test func aSuccessorEndsWithItsConnection() throws {
    let daemon = try connected()
    try untilSuccessorWaits(daemon)
    let first = successors(daemon)[0]
    try daemon.write(state, "5")
    try daemon.until("its end") { kill(first, 0) != 0 }
    #expect(successors(daemon).count == 1)
    try daemon.write(state, "4")
    try untilSuccessorWaits(daemon, count: 2)
    #expect(try daemon.end() == .exited(code: 0))
  }

  @Test func processesThatFollowMayDieAtOnce() throws {
    let daemon = try connected()
    try untilSpareWaits(daemon)
    for call in 0..<8 {
      try daemon.until("process \(call)") { daemon.calls.count == call + 1 }
      try SystemCall.signal(try daemon.process(call), SIGKILL)
    }
    try daemon.until("the last process") { daemon.calls.count == 9 }
    #expect(try daemon.read("data/driver-domain/status") == "ready")
    #expect(try daemon.end() == .exited(code: 0))
  }

  @Test func processAndAllThatWaitMayDieTogether() throws {
    let daemon = try connected()
    try untilSpareWaits(daemon)
    try untilSuccessorWaits(daemon)
    try daemon.write("data/driver-domain/drill", "both:200")
    try daemon.until("processes") { daemon.calls.count >= 6 }
    try daemon.write("data/driver-domain/drill", nil)
    #expect(try daemon.read("data/driver-domain/status") == "ready")
    #expect(try daemon.end() == .exited(code: 0))
  }

  /// What the leaf says goes with the order, and a change of it is not missed.
  @Test func successorsAreToldWhatTheLeafSays() throws {
    let daemon = try connected()
    let leaf = "backend/vbd/2/51712"
    for (round, params) in ["/dev/a b", "/dev/c"].enumerated() {
      try untilSuccessorWaits(daemon, count: 2 * round + 1)
      // One that got ready for another disk is replaced.
      try daemon.write("\(leaf)/params", params)
      try untilSuccessorWaits(daemon, count: 2 * round + 2)
      try SystemCall.signal(try daemon.process(round), SIGKILL)
      try daemon.until("next process") { daemon.calls.count == round + 2 }
      #expect(
        daemon.calls[round + 1].hasSuffix(
          "@device-type @discard-enable @frontend @mode @params=\(params) @removable successor"),
        "\(daemon.calls[round + 1])")
    }
    #expect(try daemon.end() == .exited(code: 0))
  }

  @Test func deviceFoundConnectedIsAdopted() throws {
    let daemon = try InitDaemon(serving: .block, [], isStarted: false)
    try daemon.write(state, "4")
    try daemon.start()
    try daemon.until("start") { daemon.calls.count == 1 }
    #expect(try daemon.end() == .exited(code: 0))
  }

  @Test func backendThatLeavesInPeaceIsFollowed() throws {
    let daemon = try connected()
    try untilSuccessorWaits(daemon)
    try SystemCall.signal(try daemon.process(0), SIGTERM)
    try daemon.until("next process") { daemon.calls.count == 2 }
    #expect(daemon.calls[1].hasSuffix(" successor"))
    // One that leaves with its leaf is not.
    try daemon.write("backend/vbd/2", nil)
    try SystemCall.signal(try daemon.process(1), SIGTERM)
    try daemon.until("the end") { daemon.log.contains("backend ended") && daemon.calls.count == 2 }
    #expect(try daemon.end() == .exited(code: 0))
    #expect(daemon.calls.count == 2)
  }

  @Test func hungBackendIsKilledAndFollowed() throws {
    let daemon = try connected(["driver_domain.hang_seconds=1"])
    // The script's page, through its own descriptor: the test is the script's heartbeat.
    let file = try OwnedFileDescriptor.open(
      FilePath("/proc/\(try daemon.process(0))/fd/3"), .readWrite)
    let page = try StatusPage(sharing: file.rawValue)
    page.begin()
    page.beginThread(0)
    let end = MonotonicClock.milliseconds() + 2_500
    try daemon.until("time") {
      page.tick(0)
      return MonotonicClock.milliseconds() > end
    }
    #expect(daemon.calls.count == 1)
    try daemon.until("next process") { daemon.calls.count == 2 }
    #expect(daemon.log.contains("backend hangs"))
    page.endThread(0)
    #expect(try daemon.end() == .exited(code: 0))
  }

  @Test func statusPageOutlivesTheProcess() throws {
    // No spares: a process that is started has the page at the same number.
    let script = #"""
      #!/bin/sh
      case "$1" in --spare|--template) exit 1 ;; esac
      echo "$$" >> "$0.calls"
      while :; do sleep 0.05; done
      """#
    let daemon = try connected(["driver_domain.hang_seconds=0"], script: script)
    func page(of call: Int) throws -> StatusPage {
      let file = try OwnedFileDescriptor.open(
        FilePath("/proc/\(try daemon.process(call))/fd/3"), .readWrite)
      return try StatusPage(sharing: file.rawValue)
    }
    try page(of: 0).storeState(4711, at: 5)
    try SystemCall.signal(try daemon.process(0), SIGKILL)
    try daemon.until("next process") { daemon.calls.count == 2 }
    #expect(try page(of: 1).loadState(5) == 4711)
    #expect(try daemon.end() == .exited(code: 0))
  }

  @Test func programThatDoesNotServeIsTakenBack() throws {
    let daemon = try connected()
    try untilSpareWaits(daemon)
    // A program that knows --version and no leaf.
    try daemon.write("data/driver-domain/update/block-backend", "/usr/bin/sleep")
    try daemon.until("result") {
      try daemon.read("data/driver-domain/updated/block-backend")?.hasPrefix("failed") == true
    }
    let result = try daemon.read("data/driver-domain/updated/block-backend") ?? ""
    #expect(result.hasSuffix("the old program is back"))
    try daemon.until("the old program") { daemon.calls.count == 2 }
    let backend = daemon.directory.path + "/backend"
    #expect(Files.text(of: backend) == Text.trimmed(InitDaemon.script))
    #expect(!Files.exists(backend + ".new") && !Files.exists(backend + ".old"))
    #expect(try daemon.end() == .exited(code: 0))
  }

  @Test func fileThatIsNoProgramChangesNothing() throws {
    let daemon = try connected()
    try daemon.write("data/driver-domain/update/block-backend", "/etc/passwd")
    try daemon.until("result") {
      try daemon.read("data/driver-domain/updated/block-backend")?.hasPrefix("failed") == true
    }
    #expect(daemon.calls.count == 1)
    #expect(try daemon.end() == .exited(code: 0))
  }

  @Test func domainThatCannotServeEndsItself() throws {
    let daemon = try InitDaemon(serving: .block, [], script: "#!/bin/sh\nexit 1\n")
    try daemon.write(state, "4")
    #expect(try daemon.wait() == .exited(code: 3))
    #expect(try daemon.read("data/driver-domain/status") == "failed")
    let error = try daemon.read("data/driver-domain/error") ?? ""
    #expect(error.contains("more than 20 deaths"))
  }
}
