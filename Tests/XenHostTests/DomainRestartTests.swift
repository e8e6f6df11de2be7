import Testing
import XenHost

extension RealXen {
  /// Whole driver domains die under load, and `ddctl` brings them back under their numbers. The
  /// guests see a pause: no error, nothing lost, not one line in their kernels' logs.
  @Suite("Domain restart")
  struct DomainRestartTests {
    /// Ways to end a driver domain, as commands of Dom0; `$d` is its name.
    static let deaths: [(name: String, command: String)] = [
      (
        "panic",
        "xenstore-write /local/domain/$(xl domid $d)/data/driver-domain/drill panic:20"
      ),
      // It takes the disk first; the watchdog, and then ddctl, may be quicker with the rest.
      ("xl destroy", "xl destroy $d || true"),
      ("restart", "ddctl restart $d"),
      // The hypervisor's watchdog counts while the domain stands still.
      ("hang", "xl pause $d"),
      (
        "upgrade",
        "rm -rf /run/image; cp -rL /images/$d /run/image; ddctl upgrade $d --image /run/image"
      ),
      (
        "keeper killed",
        """
        ddctl restart $d >/dev/null 2>&1 & sleep 0.7
        kill -9 $(xenstore-read /tool/driver-domains/$d/pid); sleep 0.3
        setsid ddctl run /run/xl/$d.cfg </dev/null >>/run/ddctl-$d.log 2>&1 &
        """
      ),
    ]

    @Test(
      "a guest verifies its disk while the disk domain dies in every way",
      .enabled(if: RealXen.runsTrials, "on trial: make trials"))
    func diskDomain() async throws {
      let host = try await RealXen.host
      let disk = try await RealXen.disk
      let keeper = try await DomainKeeper(of: disk.domain, on: host)
      let guest = try await host.startGuest(
        .guest("outlives", disks: [DiskDomain.partition("guest1"), DiskDomain.tools]))
      try await DiskDomain.mountTools(in: guest)
      let kernelLog = try await guest.check("dmesg")
      try await guest.check(
        """
        (while ! [ -e /stop ]; do
          /tools/fio/fio --name=load --filename=/dev/xvda --size=32M --direct=1 \
            --ioengine=libaio --iodepth=32 --rw=randrw --bsrange=4k-64k --fsync=64 \
            --verify=crc32c --verify_backlog=128 --verify_fatal=1 --do_verify=1 || {
            echo FAILED; break; }
          echo ROUND
        done; touch /done) >/fio.log 2>&1 </dev/null &
        """)
      for death in Self.deaths {
        let before = try await deviceNodes(of: guest, in: disk.directory)
        let times = try await keeper.restart(by: "d=\(keeper.name)\n\(death.command)")
        print("disk domain: \(death.name): \(times)")
        // The same nodes with the same access, but for what a backend promises anew.
        let after = try await deviceNodes(of: guest, in: disk.directory)
        #expect(after == before, "\(death.name)")
        #expect(try await guest.run("test -e /done").succeeded == false, "\(death.name)")
      }
      try await guest.check(
        "touch /stop; until [ -e /done ]; do usleep 100000; done", timeout: .seconds(300))
      let log = try await guest.check("cat /fio.log")
      #expect(log.contains("ROUND"), "\(log)")
      #expect(!log.contains("FAILED"), "\(log)")
      let said = try await guest.check("dmesg").dropFirst(kernelLog.count)
      // xen-blkfront says so whenever a backend's state is written.
      let others = said.split(separator: "\n").filter { !$0.contains("Setting capacity to") }
      #expect(others.isEmpty, "\(others)")
      let number = guest.domid
      try await guest.shutdown()
      try await RealXen.expectNothingLeft(of: number, name: guest.name)
      try await keeper.stop()
    }

    @Test(
      "guests that end while the disk domain is dead leave nothing",
      .enabled(if: RealXen.runsTrials, "on trial: make trials"))
    func guestsEndMeanwhile() async throws {
      let host = try await RealXen.host
      let disk = try await RealXen.disk
      let keeper = try await DomainKeeper(of: disk.domain, on: host)
      let stays = try await host.startGuest(
        .guest("stays", disks: [DiskDomain.partition("guest1")]))
      let dies = try await host.startGuest(
        .guest("dies", kind: .pvh, disks: [DiskDomain.partition("guest2")]))
      let number = dies.domid
      // The keeper comes back only when the guest is gone.
      try await keeper.kill()
      try await host.dom0.check("xl destroy \(disk.domain.domid)")
      let output = try await host.dom0.run("xl destroy \(number) 2>&1").output
      #expect(!output.contains("error"), "\(output)")
      try await dies.waitUntilGone()
      try await keeper.start()
      try await disk.domain.joinNextLife()
      try await RealXen.expectNothingLeft(of: number, name: "dies")
      try await stays.check("dd if=/dev/xvda of=/dev/null bs=1M count=16 iflag=direct")
      let last = stays.domid
      try await stays.shutdown()
      try await RealXen.expectNothingLeft(of: last, name: "stays")
      try await keeper.stop()
    }

    @Test(
      "a transfer goes on while the network domain dies in every way",
      .enabled(if: RealXen.runsTrials && RealXen.isOurNetwork, "on trial: make trials"))
    func networkDomain() async throws {
      let host = try await RealXen.host
      let network = try await RealXen.network
      let keeper = try await DomainKeeper(of: network.domain, on: host)
      let pair = try await NetworkPair.start(names: ("net-outlives", "net-too"), inside: true)
      var logs: [String] = []
      for guest in [pair.first, pair.second] { logs.append(try await guest.check("dmesg")) }
      try await pair.second.serveSums()
      let sum = try await pair.first.makeData(times: 1)
      try await pair.first.check(
        """
        (while ! [ -e /stop ]; do cat /data | nc \(NetworkPair.secondInside) 5001; done >/sums.log
          touch /done) </dev/null 2>/nc.log &
        """)
      for death in Self.deaths {
        let times = try await keeper.restart(by: "d=\(keeper.name)\n\(death.command)")
        print("network domain: \(death.name): \(times)")
      }
      try await pair.first.check(
        "touch /stop; until [ -e /done ]; do usleep 100000; done", timeout: .seconds(300))
      let sums = try await pair.first.check("cut -d ' ' -f 1 /sums.log").split(separator: "\n")
      #expect(!sums.isEmpty && sums.allSatisfy { $0 == sum }, "\(sums)")
      #expect(try await pair.first.check("cat /nc.log") == "")
      for (guest, before) in zip([pair.first, pair.second], logs) {
        let said = try await guest.check("dmesg").dropFirst(before.count)
        #expect(said.isEmpty, "\(guest.name): \(said)")
      }
      #expect(try await pair.first.pingsLost(to: NetworkPair.secondInside, count: 100) == 0)
      #expect(try await pair.first.pingsLost(to: network.outside.address, count: 20) == 0)
      try await pair.shutdown()
      try await keeper.stop()
    }

    /// What a guest and its driver domain see of the guest's disks, with owners and access.
    private func deviceNodes(of guest: Domain, in directory: String) async throws -> String {
      try await RealXen.host.dom0.check(
        """
        xenstore-ls -fp \(directory)/backend | grep /\(guest.domid)/ | sort
        xenstore-ls -fp /local/domain/\(guest.domid)/device | sort
        """)
    }
  }
}
