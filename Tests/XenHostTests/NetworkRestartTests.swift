import Testing
import XenHost

extension RealXen.RestartTests {
  /// On the bridge without a card: QEMU's network takes frames that are not for it.
  @Test(
    "transfers and a train of pings go on while the interfaces' backends are killed")
  func killedInterfaces() async throws {
    let host = try await RealXen.host
    let network = try await RealXen.network
    _ = try await RealXen.disk
    let pair = try await NetworkPair.startInside(
      names: ("net-kill-one", "net-kill-two"), disks: [DiskDomain.tools])
    try await DiskDomain.mountTools(in: pair.second)
    let logs = try await KernelLogs(of: [pair.first, pair.second])
    try await pair.second.serveSums()
    let sum = try await pair.first.makeData()
    try await PingTrain.start(from: pair.first, to: pair.second, at: pair.secondAddress)
    try await pair.first.check(
      """
      (while ! [ -e /stop ]; do cat /data | nc \(pair.secondAddress) 5001; done >/sums.log
        touch /done) </dev/null 2>/nc.log &
      """)
    let quiet = try await QuietDom0(on: host)
    let restarts = try await host.runDrill(
      "kill:250", in: network.directory, restarts: Self.deaths, limit: Self.drillLimit)
    #expect(restarts >= Self.deaths)
    try await quiet.expect(onlyIn: network.directory)
    try await pair.first.check(
      "touch /stop; until [ -e /done ]; do usleep 100000; done", timeout: .seconds(300))
    let train = try await PingTrain.end(from: pair.first, to: pair.second)
    // Every transfer came through whole, and no connection broke.
    let sums = try await pair.first.check("cut -d ' ' -f 1 /sums.log").split(separator: "\n")
    #expect(!sums.isEmpty && sums.allSatisfy { $0 == sum }, "\(sums)")
    #expect(try await pair.first.check("cat /nc.log") == "")
    // Pings are lost in pauses only: there are no more of them than pauses have room for.
    // There were pings between the deaths.
    #expect(train.received > 10 * Self.deaths, "\(train)")
    #expect(train.lost * PingTrain.periodMicroseconds <= train.pausedMicroseconds, "\(train)")
    try await logs.expectSilence()
    // And afterwards nothing is lost any more.
    #expect(try await pair.first.pingsLost(to: pair.secondAddress, count: 200) == 0)
    try await pair.shutdown()
  }
}

/// A ping each millisecond, observed where it arrives: busybox's ping forgets answers that come
/// while the emulated machine stands still.
struct PingTrain {
  static let periodMicroseconds = 1000

  /// Pings that arrived.
  var received = 0
  /// Pings that are missing between two that arrived.
  var lost = 0
  /// How long nothing arrived, all times of more than ten periods together.
  var pausedMicroseconds = 0

  /// - Parameter receiver: has the tools mounted.
  static func start(from sender: Domain, to receiver: Domain, at address: String) async throws {
    // Repeated frames are no loss. Sequence numbers have 16 bits.
    try await receiver.startObserving(
      "icmp[icmptype] == icmp-echo",
      script: """
        {
          for (i = 1; i < NF; i++) if ($i == "seq") number = $(i + 1) + 0
          missing = (number - last + 65535) % 65536
          if (count++ && missing >= 32768) next
          gap = ($1 - time) * 1000000
          if (count > 1) lost += missing
          if (count > 1 && gap > \(10 * periodMicroseconds)) paused += gap
          last = number
          time = $1
        } END { print count, lost + 0, int(paused) }
        """)
    // The buffer must hold what is sent while a backend is away.
    try await sender.check(
      """
      sysctl -w net.core.wmem_default=4194304
      ping -q -i 0.001 \(address) >/train.log 2>&1 </dev/null &
      echo $! >/train.pid
      """)
  }

  static func end(from sender: Domain, to receiver: Domain) async throws -> PingTrain {
    try await sender.check("kill -INT $(cat /train.pid) || { cat /train.log; false; }")
    let text = try await receiver.endObservation()
    let numbers = text.split(whereSeparator: \.isWhitespace).compactMap { Int($0) }
    var train = PingTrain()
    if numbers.count == 3 {
      (train.received, train.lost, train.pausedMicroseconds) = (numbers[0], numbers[1], numbers[2])
    }
    return train
  }
}

/// Watches that nothing happens in Dom0.
struct QuietDom0 {
  private let host: XenHost
  private let processes: String

  /// Begins to watch XenStore, all of it, and Dom0's processes.
  init(on host: XenHost) async throws {
    self.host = host
    try await host.dom0.check(
      "setsid xenstore-watch / >/watch.log 2>&1 </dev/null & echo $! >/watch.pid; sleep 1")
    processes = try await Self.processes(host)
  }

  /// Ends the watch. Expects that nobody wrote anything but a driver domain to its own nodes, where
  /// it counts its restarts, and that Dom0 has the same processes as before.
  func expect(onlyIn directory: String) async throws {
    #expect(try await Self.processes(host) == processes)
    let changed = try await host.dom0.check(
      """
      kill $(cat /watch.pid)
      grep -v -e '^/$' -e '^\(directory)/data/driver-domain/' /watch.log | sort | uniq -c | head
      rm /watch.log
      """)
    #expect(changed == "")
  }

  /// Programs with their numbers, but for those of the question itself and of the kernel.
  private static func processes(_ host: XenHost) async throws -> String {
    try await host.dom0.check(
      """
      for process in /proc/[0-9]*; do
        [ -s $process/cmdline ] || continue
        echo "${process#/proc/} $(tr '\\0' ' ' <$process/cmdline 2>/dev/null)"
      done | grep -E ' (/|xl|xen|oxen|libxl)' | grep -v -e '/run/agent/' | sort
      """)
  }
}
