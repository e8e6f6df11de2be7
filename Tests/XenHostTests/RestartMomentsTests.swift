import Testing
import XenHost

extension RealXen {
  /// Backends die at the moments at which a device changes hands.
  @Suite("Restart moments", inCompleteRun)
  struct RestartMomentsTests {
    /// Longer than a device needs to connect between two deaths, and never in step with it.
    private static let drill = "kill:1300"

    @Test(
      "disks are attached and detached while their backends are killed")
    func changingHands() async throws {
      let host = try await RealXen.host
      let disk = try await RealXen.disk
      let guest = try await host.startGuest(.guest("moments"))
      let node = "\(disk.directory)/data/driver-domain/drill"
      try await host.dom0.check("xenstore-write \(node) \(Self.drill)")
      let partition = DiskDomain.partition("guest1", as: "xvdb").text
      for round in 1...8 {
        let attached = try await host.dom0.run("xl block-attach \(guest.domid) '\(partition)'")
        #expect(attached.succeeded, "round \(round): \(attached.output)")
        let written = try await guest.check(
          """
          while ! [ -b /dev/xvdb ]; do usleep 10000; done
          dd if=/dev/urandom of=/data bs=64k count=16 2>/dev/null
          dd if=/data of=/dev/xvdb bs=64k oflag=direct 2>/dev/null
          dd if=/dev/xvdb of=/back bs=64k count=16 iflag=direct 2>/dev/null
          cmp /data /back && echo same
          """)
        #expect(written.contains("same"), "round \(round)")
        let detached = try await host.dom0.run("xl block-detach \(guest.domid) xvdb")
        #expect(detached.succeeded, "round \(round): \(detached.output)")
        #expect(try await disk.leaves(of: guest.domid) == "", "round \(round)")
      }
      try await host.dom0.check("xenstore-write \(node) ''")
      #expect(!(try await guest.check("dmesg")).contains("I/O error"))
      let number = guest.domid
      try await guest.shutdown()
      try await RealXen.expectNothingLeft(of: number, name: "moments")
    }

    @Test(
      "a guest is saved and restored while its backends are killed")
    func savedUnderDeaths() async throws {
      let host = try await RealXen.host
      let disk = try await RealXen.disk
      let guest = try await host.startGuest(
        .guest(
          "moment-saved", memory: 160,
          disks: [DiskDomain.partition("guest1"), DiskDomain.partition("guest2", as: "xvdb")]))
      let node = "\(disk.directory)/data/driver-domain/drill"
      try await guest.check("mkfs.ext4 -q /dev/xvda && mount -t ext4 /dev/xvda /mnt")
      let sums = "sha256sum /mnt/data; dd if=/dev/xvdb bs=1M count=4 iflag=direct | sha256sum"
      try await guest.check(
        """
        dd if=/dev/urandom of=/mnt/data bs=1M count=4
        dd if=/dev/urandom of=/dev/xvdb bs=1M count=4 oflag=direct
        """)
      let before = try await guest.check("(\(sums)) 2>/dev/null")
      for round in 1...3 {
        try await host.dom0.check("xenstore-write \(node) \(Self.drill)")
        try await guest.saveAndRestore(through: "/run/moments.image")
        try await host.dom0.check("rm -f /run/moments.image; xenstore-write \(node) ''")
        try await guest.check("sync; echo 3 >/proc/sys/vm/drop_caches")
        #expect(try await guest.check("(\(sums)) 2>/dev/null") == before, "round \(round)")
      }
      try await guest.check("umount /mnt && e2fsck -fn /dev/xvda")
      try await guest.shutdown()
    }

    /// Each request takes longer than a hang may: four a second, and a queue of 32 of them.
    @Test(
      "a slow disk is not mistaken for a hang")
    func slowDisk() async throws {
      let host = try await RealXen.host
      let disk = try await RealXen.disk
      let guest = try await host.startGuest(
        .guest("slow", disks: [DiskDomain.wholeDisk(), DiskDomain.tools]))
      try await DiskDomain.mountTools(in: guest)
      let restarts = try await host.restarts(in: disk.directory)
      try await throttle(operationsPerSecond: 4)
      let output = try await guest.check(
        """
        /tools/fio/fio --name=slow --filename=/dev/xvda --direct=1 --ioengine=libaio \
          --iodepth=32 --rw=randwrite --bs=4k --size=1M --io_size=256k --verify=crc32c \
          --verify_fatal=1 2>&1
        """, timeout: .seconds(200))
      try await throttle(operationsPerSecond: 0)
      #expect(output.contains("err= 0"), "\(output)")
      #expect(try await host.restarts(in: disk.directory) == restarts)
      #expect(!(try await guest.check("dmesg")).contains("I/O error"))
      try await guest.shutdown()
    }

    /// Has QEMU hold back the disk without partitions; 0 lets it go.
    private func throttle(operationsPerSecond: Int) async throws {
      let limits = ["bps", "bps_rd", "bps_wr", "iops_rd", "iops_wr"].map { "\"\($0)\": 0" }
      let all = ["\"device\": \"\(XenHost.plainDiskDevice)\"", "\"iops\": \(operationsPerSecond)"]
      let answer = try await RealXen.host.qmp(
        "block_set_io_throttle",
        arguments: "{\((all + limits).joined(separator: ", "))}")
      #expect(answer.hasPrefix("{\"return\""), "\(answer)")
    }
  }
}
