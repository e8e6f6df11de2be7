import Testing
import XenHost

extension RealXen {
  /// Backends die and hang under load. The guest sees a pause: no error, nothing lost, nothing done
  /// twice, not one line in its kernel's log.
  @Suite("Restart")
  struct RestartTests {
    /// Deaths that the disk's guests and the network's guests live through; ten times as many with
    /// `make soak`.
    static let deaths = RealXen.isSoak ? 2000 : 200
    /// One death every 250 ms, and the machine's pauses.
    static let drillLimit = Duration.seconds(2 * deaths)

    @Test(
      "two guests verify their disks while their backends are killed")
    func killedDisks() async throws {
      let host = try await RealXen.host
      let disk = try await RealXen.disk
      let guests = try await host.startGuests([
        .guest("kill-one", disks: [DiskDomain.partition("guest1"), DiskDomain.tools]),
        // A PVH guest needs three times the time that a PV guest does, here, and does not live for
        // long: see DiskServiceTests.twoGuests.
        .guest(
          "kill-two", kind: RealXen.isComplete && !RealXen.isSoak ? .pvh : .pv,
          disks: [DiskDomain.partition("guest2"), DiskDomain.tools]),
      ])
      for guest in guests { try await DiskDomain.mountTools(in: guest) }
      try await guests[1].check("mkfs.ext4 -q /dev/xvda && mount -t ext4 /dev/xvda /mnt")
      let logs = try await KernelLogs(of: guests)
      try await startVerifier(in: guests[0], on: "/dev/xvda", size: "32M")
      try await startVerifier(in: guests[1], on: "/mnt/data", size: "32M")

      let domains = try await host.listDomains()
      let quiet = try await QuietDom0(on: host)
      let restarts = try await host.runDrill(
        "kill:250", in: disk.directory, restarts: Self.deaths, limit: Self.drillLimit)
      #expect(restarts >= Self.deaths)
      try await quiet.expect(onlyIn: disk.directory)
      // A domain that was created again would have another number.
      #expect(numbers(in: try await host.listDomains()) == numbers(in: domains))

      for guest in guests { try await expectGoodVerifier(in: guest) }
      try await logs.expectSilence()
      try await guests[1].check("umount /mnt && e2fsck -fn /dev/xvda")
      for guest in guests { try await guest.shutdown() }
    }

    @Test(
      "a disk's backend hangs, gives way, and is killed every 100 ms")
    func hungDisk() async throws {
      let host = try await RealXen.host
      let disk = try await RealXen.disk
      let guest = try await host.startGuest(
        .guest("hung", disks: [DiskDomain.partition("guest1"), DiskDomain.tools]))
      try await DiskDomain.mountTools(in: guest)
      let logs = try await KernelLogs(of: [guest])
      try await startVerifier(in: guest, on: "/dev/xvda", size: "32M")
      for (drill, count) in [
        ("stop:6000", 2), ("term:500", 10), ("both:1000", 6), ("kill:100", 250),
      ] {
        let restarts = try await host.runDrill(
          drill, in: disk.directory, restarts: count, limit: .seconds(200))
        #expect(restarts >= count, "\(drill)")
      }
      try await expectGoodVerifier(in: guest)
      try await logs.expectSilence()
      try await guest.shutdown()
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

    private func numbers(in list: String) -> [String] {
      list.split(separator: "\n").compactMap { line in
        line.split(separator: " ").dropFirst().first.map(String.init)
      }
    }
  }
}
