import Testing
import XenHost

extension RealXen {
  /// What a toolstack and a guest do to a disk over its life.
  @Suite("Disk life")
  struct DiskLifeTests {
    @Test("attached to and detached from a running guest, again and again")
    func hotplug() async throws {
      let host = try await RealXen.host
      let disk = try await RealXen.disk
      let guest = try await host.startGuest(.guest("plugged"))
      for round in 1...RealXen.hotplugRounds {
        let attached = try await host.dom0.run(
          "xl block-attach \(guest.domid) '\(DiskDomain.partition("guest1", as: "xvdb").text)'")
        #expect(attached.succeeded, "round \(round): \(attached.output)")
        try await guest.check("while ! [ -b /dev/xvdb ]; do usleep 10000; done")
        try await guest.check("dd if=/dev/urandom of=/dev/xvdb bs=64k count=4 oflag=direct")
        let detached = try await host.dom0.run("xl block-detach \(guest.domid) xvdb")
        #expect(detached.succeeded, "round \(round): \(detached.output)")
        #expect(!(attached.output + detached.output).contains("error"))
        #expect(try await disk.leaves(of: guest.domid) == "")
      }
      let number = guest.domid
      try await guest.shutdown()
      try await RealXen.expectNothingLeft(of: number, name: "plugged")
    }

    @Test("a guest reboots and finds its data")
    func reboot() async throws {
      let host = try await RealXen.host
      _ = try await RealXen.disk
      let guest = try await host.startGuest(
        .guest("reboots", disks: [DiskDomain.partition("guest1")]))
      let first = guest.domid
      try await guest.check("dd if=/dev/urandom of=/dev/xvda bs=1M count=2 oflag=direct")
      let sum = "dd if=/dev/xvda bs=1M count=2 iflag=direct 2>/dev/null | sha256sum"
      let before = try await guest.check(sum)
      try await guest.reboot()
      #expect(guest.domid != first)
      #expect(try await guest.check(sum) == before)
      #expect(try await RealXen.disk.leaves(of: first) == "")
      try await guest.shutdown()
    }

    @Test("a guest is destroyed under load, and nothing is left")
    func destroyUnderLoad() async throws {
      let host = try await RealXen.host
      _ = try await RealXen.disk
      let guest = try await host.startGuest(
        .guest("loaded", disks: [DiskDomain.partition("guest1"), DiskDomain.tools]))
      try await DiskDomain.mountTools(in: guest)
      try await guest.check(
        """
        /tools/fio/fio --name=load --filename=/dev/xvda --direct=1 --ioengine=libaio --iodepth=32 \
          --rw=randrw --bs=16k --time_based --runtime=600 --status-interval=1 >/run.log 2>&1 &
        while ! grep -q IOPS /run.log; do usleep 50000; done
        """)
      let number = guest.domid
      let output = try await host.dom0.check("xl destroy \(number) 2>&1")
      #expect(!output.contains("error"), "\(output)")
      try await guest.waitUntilGone()
      try await RealXen.expectNothingLeft(of: number, name: "loaded")
    }

    @Test("a guest is saved and restored, its disk in use", arguments: [false, true])
    func saveAndRestore(checkpoint: Bool) async throws {
      let host = try await RealXen.host
      _ = try await RealXen.disk
      let guest = try await host.startGuest(
        .guest("saved", memory: 160, disks: [DiskDomain.partition("guest1")]))
      let first = guest.domid
      try await guest.check("mkfs.ext4 -q /dev/xvda && mount -t ext4 /dev/xvda /mnt")
      try await guest.check("dd if=/dev/urandom of=/mnt/data bs=1M count=8")
      let sum = try await guest.check("sha256sum /mnt/data")
      if checkpoint {
        // The guest goes on in place after its state was written.
        try await host.dom0.check("xl save -c \(first) /run/saved.image 2>&1")
      } else {
        try await guest.saveAndRestore(through: "/run/saved.image")
        #expect(try await RealXen.disk.leaves(of: first) == "")
      }
      try await host.dom0.check("rm -f /run/saved.image")
      // From the disk, not from the guest's memory.
      try await guest.check("sync; echo 3 >/proc/sys/vm/drop_caches")
      #expect(try await guest.check("sha256sum /mnt/data") == sum)
      try await guest.check("umount /mnt && e2fsck -fn /dev/xvda")
      if checkpoint {
        // xl's own watcher of a domain ends when the domain was suspended, even for a checkpoint:
        // nobody would clean up after a shutdown.
        try await guest.destroy()
      } else {
        try await guest.shutdown()
      }
    }
  }
}
