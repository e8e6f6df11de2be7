import Testing
import XenHost

extension RealXen {
  /// Backends die and hang under load. The guest sees a pause: no error, nothing lost, nothing done
  /// twice, not one line in its kernel's log.
  @Suite("Restart")
  struct RestartTests {
    /// Deaths that the disk's guests and the network's guests live through.
    static let deaths = 200

    @Test(
      "two guests verify their disks while their backends are killed",
      .enabled(if: RealXen.runsTrials, "on trial: make trials"))
    func killedDisks() async throws {
      let host = try await RealXen.host
      let disk = try await RealXen.disk
      let guests = [
        try await host.startGuest(
          .guest("kill-one", disks: [DiskDomain.partition("guest1"), DiskDomain.tools])),
        try await host.startGuest(
          .guest(
            "kill-two", kind: .pvh, disks: [DiskDomain.partition("guest2"), DiskDomain.tools])),
      ]
      for guest in guests { try await DiskDomain.mountTools(in: guest) }
      try await guests[1].check("mkfs.ext4 -q /dev/xvda && mount -t ext4 /dev/xvda /mnt")
      let logs = try await kernelLogs(of: guests)
      try await startVerifier(in: guests[0], on: "/dev/xvda", size: "32M")
      try await startVerifier(in: guests[1], on: "/mnt/data", size: "32M")

      let domains = try await host.listDomains()
      let restarts = try await host.runDrill(
        "kill:250", in: disk.directory, restarts: Self.deaths, limit: .seconds(400))
      #expect(restarts >= Self.deaths)
      // A domain that was created again would have another number.
      #expect(numbers(in: try await host.listDomains()) == numbers(in: domains))

      for guest in guests { try await expectGoodVerifier(in: guest) }
      try await expectSilence(of: guests, since: logs)
      try await guests[1].check("umount /mnt && e2fsck -fn /dev/xvda")
      for guest in guests { try await guest.shutdown() }
    }

    @Test(
      "a disk's backend hangs, gives way, and is killed every 100 ms",
      .enabled(if: RealXen.runsTrials, "on trial: make trials"))
    func hungDisk() async throws {
      let host = try await RealXen.host
      let disk = try await RealXen.disk
      let guest = try await host.startGuest(
        .guest("hung", disks: [DiskDomain.partition("guest1"), DiskDomain.tools]))
      try await DiskDomain.mountTools(in: guest)
      let log = try await kernelLogs(of: [guest])
      try await startVerifier(in: guest, on: "/dev/xvda", size: "32M")
      for (drill, count) in [("stop:6000", 3), ("term:500", 10), ("kill:100", 100)] {
        let restarts = try await host.runDrill(
          drill, in: disk.directory, restarts: count, limit: .seconds(200))
        #expect(restarts >= count, "\(drill)")
      }
      try await expectGoodVerifier(in: guest)
      try await expectSilence(of: [guest], since: log)
      try await guest.shutdown()
    }

    @Test(
      "transfers and pings go on while the interfaces' backends are killed",
      .enabled(if: RealXen.runsTrials, "on trial: make trials"))
    func killedInterfaces() async throws {
      let host = try await RealXen.host
      let network = try await RealXen.network
      let pair = try await NetworkPair.start(names: ("net-kill-one", "net-kill-two"), inside: true)
      let guests = [pair.first, pair.second]
      let logs = try await kernelLogs(of: guests)
      try await pair.second.serveSums()
      let sum = try await pair.first.makeData(times: 1)
      try await pair.first.check(
        """
        (while ! [ -e /stop ]; do cat /data | nc \(NetworkPair.secondInside) 5001; done >/sums.log
          touch /done) </dev/null 2>/nc.log &
        """)
      let restarts = try await host.runDrill(
        "kill:250", in: network.directory, restarts: Self.deaths, limit: .seconds(400))
      #expect(restarts >= Self.deaths)
      try await end(in: pair.first)
      // On the bridge without a card: QEMU's network takes frames that are not for it.
      // Every transfer came through whole, and no connection broke.
      let sums = try await pair.first.check("cut -d ' ' -f 1 /sums.log").split(separator: "\n")
      #expect(!sums.isEmpty && sums.allSatisfy { $0 == sum }, "\(sums)")
      #expect(try await pair.first.check("cat /nc.log") == "")
      try await expectSilence(of: guests, since: logs)
      // And afterwards nothing is lost any more.
      #expect(try await pair.first.pingsLost(to: NetworkPair.secondInside, count: 200) == 0)
      try await pair.shutdown()
    }

    // MARK: Helpers

    /// Starts a load that verifies what it reads: mixed reads, writes and flushes, 32 at once.
    private func startVerifier(in guest: Domain, on file: String, size: String) async throws {
      try await guest.check(
        """
        (while ! [ -e /stop ]; do
          /tools/fio/fio --name=load --filename=\(file) --size=\(size) --direct=1 \
            --ioengine=libaio --iodepth=32 --rw=randrw --bsrange=4k-64k --fsync=64 \
            --verify=crc32c --verify_backlog=128 --verify_fatal=1 --do_verify=1 || {
            echo FAILED; break; }
          echo ROUND
        done; touch /done) >/fio.log 2>&1 </dev/null &
        """)
    }

    private func expectGoodVerifier(in guest: Domain) async throws {
      try await end(in: guest)
      let log = try await guest.check("cat /fio.log")
      #expect(log.contains("ROUND"), "\(log)")
      #expect(!log.contains("FAILED"), "\(log)")
    }

    /// Lets the load in a guest come to its end.
    private func end(in guest: Domain) async throws {
      try await guest.check(
        "touch /stop; until [ -e /done ]; do usleep 100000; done", timeout: .seconds(300))
    }

    private func kernelLogs(of guests: [Domain]) async throws -> [String] {
      var logs: [String] = []
      for guest in guests { logs.append(try await guest.check("dmesg")) }
      return logs
    }

    /// No guest's kernel has said anything since.
    private func expectSilence(of guests: [Domain], since logs: [String]) async throws {
      for (guest, before) in zip(guests, logs) {
        let said = try await guest.check("dmesg").dropFirst(before.count)
        #expect(said.isEmpty, "\(guest.name): \(said)")
      }
    }

    private func numbers(in list: String) -> [String] {
      list.split(separator: "\n").compactMap { line in
        line.split(separator: " ").dropFirst().first.map(String.init)
      }
    }
  }
}
