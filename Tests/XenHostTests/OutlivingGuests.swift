import Testing
import XenHost

/// Two guests under load on both driver domains, of which nothing may be lost when these die: disks
/// that are verified, writes that are only made once, a connection that lasts all the time, and
/// transfers to the outside.
///
/// All at a rate that leaves Dom0 its time: it builds domains meanwhile, on the same processors.
struct OutlivingGuests {
  /// Has the disks, and sends.
  let first: Domain
  /// Receives.
  let second: Domain
  private let logs: KernelLogs
  private let outside: OutsideServer
  private let pings: ObservedPings
  private let sum: String

  /// Writes of the log that is compared from outside. Its rate is what fills the partition in no
  /// less than 20 minutes.
  private static let writesPerSecond = 100
  private static let writeByteCount = 4096
  /// Reads, and as many writes, of the load that verifies itself.
  private static let verifiedPerSecond = 50
  private static let streamPort = 5001
  private static let partition = "scratch"

  /// Starts the guests and their loads.
  static func start(_ network: any NetworkBackendDomain) async throws -> OutlivingGuests {
    let host = try await RealXen.host
    let both = try await host.startGuests([
      .guest(
        "outlives", memory: 256,
        disks: [
          DiskDomain.partition("guest1"), DiskDomain.partition(partition, as: "xvdb"),
          DiskDomain.tools,
        ], interfaces: [network.interface(1), network.insideInterface(1)]),
      .guest("receives", disks: [DiskDomain.tools], interfaces: [network.insideInterface(2)]),
    ])
    let (first, second) = (both[0], both[1])
    for guest in both { try await DiskDomain.mountTools(in: guest) }
    _ = try await first.requestAddress()
    for (guest, device, address) in [
      (first, "eth1", NetworkPair.firstInside), (second, "eth0", NetworkPair.secondInside),
    ] {
      try await guest.check(
        "ip link set \(device) up && ip addr add \(address)/24 dev \(device)")
    }
    let sum = try await first.check(
      "head -c 65536 /dev/urandom >/data && md5sum </data | cut -d ' ' -f 1")
    let guests = OutlivingGuests(
      first: first, second: second, logs: try await KernelLogs(of: [first, second]),
      outside: try OutsideServer(running: "md5sum"),
      pings: ObservedPings(
        from: first, to: second, address: NetworkPair.secondInside,
        mac: network.insideInterface(2).mac, intervalMilliseconds: 50,
        minimumPauseMilliseconds: 250), sum: sum)
    try await guests.startDiskLoad()
    try await guests.startNetworkLoad(network)
    try await guests.waitForLoad()
    return guests
  }

  private func startDiskLoad() async throws {
    try await first.check(
      """
      dd if=/dev/zero of=/dev/xvdb bs=1M count=64 oflag=direct 2>/dev/null
      (while ! [ -e /stop ]; do
        /tools/fio/fio --name=load --filename=/dev/xvda --size=8M --direct=1 \
          --ioengine=libaio --iodepth=32 --rw=randrw --bsrange=4k-64k --fsync=64 \
          --rate_iops=\(Self.verifiedPerSecond),\(Self.verifiedPerSecond) \
          --verify=crc32c --verify_backlog=128 --verify_fatal=1 --do_verify=1 || {
          echo FAILED; break; }
        echo ROUND
      done; touch /done.verify) >/verify.log 2>&1 </dev/null &
      (sh -c 'echo $$ >/writes.pid
        cd /
        exec /tools/fio/fio --name=writes --filename=/dev/xvdb --size=500M --direct=1 \
          --ioengine=libaio --iodepth=16 --rw=write --bs=\(Self.writeByteCount) \
          --rate_iops=\(Self.writesPerSecond) --verify=crc32c --do_verify=0 \
          --write_lat_log=writes --log_offset=1 --log_unix_epoch=1 --disable_clat=1 \
          --disable_slat=1'
        echo "status $?"; touch /done.writes) >/writes.log 2>&1 </dev/null &
      """)
  }

  private func startNetworkLoad(_ network: any NetworkBackendDomain) async throws {
    try await second.serveSums(port: Self.streamPort)
    try await pings.start()
    try await first.check(
      """
      (while ! [ -e /stop ]; do cat /data; echo >>/rounds; usleep 200000; done |
        nc \(NetworkPair.secondInside) \(Self.streamPort) >/stream.sum 2>/stream.log
        touch /done.stream) </dev/null >/dev/null 2>&1 &
      (while ! [ -e /stop ]; do
          cat /data | nc \(network.outside.address) \(outside.port); usleep 300000
        done >/transfers.log 2>/transfers.errors; touch /done.transfers) </dev/null &
      """)
  }

  /// Waits until all loads have got somewhere: fio takes seconds to start, and the first death is
  /// to meet it at work.
  private func waitForLoad() async throws {
    // Completed writes, beyond those that have made the partition empty.
    try await first.check(
      """
      writes() { awk '{ print $5 }' /sys/block/$1/stat; }
      start=$(writes xvdb)
      until [ $(writes xvdb) -gt $((start + \(Self.writesPerSecond))) ] && [ -s /rounds ] &&
        [ $(writes xvda) -gt 0 ] && [ -s /transfers.log ]; do usleep 200000; done
      """)
  }

  /// Whether something has ended that should not have.
  func expectUnderLoad(_ comment: Comment) async throws {
    #expect(try await first.check("ls / | grep done || true") == "", comment)
  }

  /// Ends the loads, and checks that nothing was lost and nobody has noticed.
  ///
  /// - Returns: the pauses that the guests saw, of the disk and of the network.
  func end() async throws -> (disk: [GuestPause], network: [GuestPause]) {
    try await first.check(
      """
      touch /stop
      kill -INT $(cat /writes.pid)
      for load in verify writes stream transfers; do
        until [ -e /done.$load ]; do usleep 100000; done
      done
      """, timeout: .seconds(300))
    let verified = try await first.check("cat /verify.log")
    #expect(verified.contains("ROUND"), "\(verified)")
    #expect(!verified.contains("FAILED"), "\(verified)")
    try await expectAcknowledgedWrites()
    try await expectTransfers()
    try await logs.expectSilence(but: ["Setting capacity to"])
    return (try await diskPauses(), try await networkPauses())
  }

  /// Every write that the guest saw acknowledged is on the disk, as this machine sees it.
  private func expectAcknowledgedWrites() async throws {
    // Runs of writes that follow each other, "start end" in bytes.
    let text = try await first.check(
      """
      cut -d , -f 5 /writes_lat.1.log | sort -n | awk '{
        if (NR > 1 && $1 != end) { print start, end; start = $1 }
        if (NR == 1) start = $1
        end = $1 + \(Self.writeByteCount)
      } END { print start, end }'
      """)
    let runs = text.split(separator: "\n").map { line in
      line.split(separator: " ").compactMap { Int($0) }
    }.filter { $0.count == 2 }
    let image = try #require(try await RealXen.host.diskImage(of: Self.partition))
    var count = 0
    var lost: [Int] = []
    for run in runs {
      let data = try image.read(at: run[0], count: run[1] - run[0])
      for offset in stride(from: run[0], to: run[1], by: Self.writeByteCount) {
        count += 1
        let block = data.dropFirst(offset - run[0]).prefix(Self.writeByteCount)
        if !Self.isWrite(block, to: offset) { lost.append(offset) }
      }
    }
    print("acknowledged writes: \(count), lost: \(lost.count)")
    let log = try await first.check("cat /writes.log")
    #expect(count > Self.writesPerSecond, "\(log)")
    #expect(lost.isEmpty, "\(lost.prefix(20))")
  }

  /// Whether a block is what fio wrote to this place: `struct verify_header` of its `verify.h`.
  private static func isWrite(_ block: ArraySlice<UInt8>, to offset: Int) -> Bool {
    DiskImage.number(in: block, at: 0, byteCount: 2) == 0xACCA
      && DiskImage.number(in: block, at: 16, byteCount: 8) == UInt64(offset)
  }

  private func expectTransfers() async throws {
    // One connection has lived through it all.
    let stream = try await first.check(
      """
      cut -d ' ' -f 1 /stream.sum
      yes /data | head -n $(wc -l </rounds) | xargs cat | md5sum | cut -d ' ' -f 1
      """, timeout: .seconds(300)
    ).split(separator: "\n")
    #expect(stream.count == 2 && stream.first == stream.last, "\(stream)")
    let sums = try await first.check("cut -d ' ' -f 1 /transfers.log").split(separator: "\n")
    #expect(!sums.isEmpty && sums.allSatisfy { $0 == sum }, "\(sums)")
    #expect(try await first.check("cat /stream.log /transfers.errors") == "")
    outside.stop()
  }

  /// The times without an acknowledged write.
  private func diskPauses() async throws -> [GuestPause] {
    try await first.pauses(inLatencyLog: "/writes_lat.1.log", minimumMilliseconds: 250)
  }

  /// The times without a ping.
  private func networkPauses() async throws -> [GuestPause] {
    try await pings.end()
  }

  /// Ends both, and checks that nothing is left of them.
  func shutdown() async throws {
    try await RealXen.shutDown([first, second])
  }
}
