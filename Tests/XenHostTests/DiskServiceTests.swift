import Testing
import XenHost

extension RealXen {
  /// Guests on disks of our driver domain.
  @Suite("Disk service")
  struct DiskServiceTests {
    /// One is PVH in complete runs only: QEMU's emulation kills such a guest now and then, with
    /// Xen's own registers in the guest's place.
    @Test("two guests work at once, each on its own partition")
    func twoGuests() async throws {
      let host = try await RealXen.host
      _ = try await RealXen.disk
      let guests = try await host.startGuests([
        .guest("first", kind: .pv, disks: [DiskDomain.partition("guest1")]),
        .guest(
          "second", kind: RealXen.isComplete ? .pvh : .pv,
          disks: [DiskDomain.partition("guest2")]),
      ])
      do {
        async let one: Void = useFileSystem(of: guests[0])
        async let two: Void = useFileSystem(of: guests[1])
        _ = try await (one, two)
      } catch {
        // They keep nothing from the scenarios that follow.
        for guest in guests { try? await guest.destroy() }
        throw error
      }
      try await RealXen.shutDown(guests)
    }

    private func useFileSystem(of guest: Domain, mebibytes: Int = 24) async throws {
      try await guest.check("mkfs.ext4 -q /dev/xvda && mount -t ext4 /dev/xvda /mnt")
      try await guest.check(
        "dd if=/dev/urandom of=/mnt/data bs=1M count=\(mebibytes) && sync", timeout: .seconds(300))
      let sum = try await guest.check("sha256sum /mnt/data")
      // Unmounted and mounted again: what is read now comes from the disk.
      try await guest.check("umount /mnt && mount -t ext4 /dev/xvda /mnt")
      #expect(try await guest.check("sha256sum /mnt/data") == sum)
      try await guest.check("umount /mnt && e2fsck -fn /dev/xvda")
      #expect(try await !guest.check("dmesg").contains("I/O error"))
    }

    @Test("verified I/O of all sizes through a multi-page ring with indirect segments")
    func mixedSizes() async throws {
      let host = try await RealXen.host
      let disk = try await RealXen.disk
      let guest = try await host.startGuest(
        .guest(
          "mixed", disks: [DiskDomain.partition("guest1"), DiskDomain.tools],
          commandLine: "xen_blkfront.max_ring_page_order=4 xen_blkfront.max_indirect_segments=256"))
      let frontend = "/local/domain/\(guest.domid)/device/vbd/51712"
      #expect(try await host.readXenStore("\(frontend)/ring-page-order") == "4")
      #expect(
        try await guest.check("cat /sys/block/xvda/queue/max_segments") == "256")
      try await DiskDomain.mountTools(in: guest)
      for (name, options) in [
        ("direct", "--direct=1 --ioengine=libaio --iodepth=16"),
        ("buffered", "--direct=0 --ioengine=libaio --iodepth=16 --fsync=64"),
      ] {
        // 512 bytes to 1 MiB, at 512-byte offsets: every alignment within a page.
        try await guest.check(
          """
          /tools/fio/fio --name=\(name) --filename=/dev/xvda --size=24M --rw=randwrite \
            --bsrange=512-1M --blockalign=512 --verify=crc32c --verify_fatal=1 --do_verify=1 \
            --randseed=7 \(options)
          """)
      }
      try await guest.shutdown()
      let log = disk.domain.consoleLog
      #expect(log.contains("pages=16"))
      let counted = log.split(separator: "\n").last {
        $0.contains("disconnected") && $0.contains("device=\(guest.domid)/51712")
      }
      #expect(counted != nil)
      #expect(counted?.contains("indirect=0 ") == false)
      #expect(counted?.contains("errors=0 ") == true)
      // Our kernel takes the commands: most copies are no calls of ours.
      #expect(counted?.contains("linked=0 ") == false)
    }

    @Test("discards reach the disk, and what was discarded reads as zeroes")
    func discard() async throws {
      let host = try await RealXen.host
      _ = try await RealXen.disk
      let guest = try await host.startGuest(
        .guest("discard", disks: [DiskDomain.partition("guest1")]))
      try await guest.check("dd if=/dev/urandom of=/dev/xvda bs=1M count=4 oflag=direct")
      try await guest.check("blkdiscard -o 1048576 -l 1048576 /dev/xvda")
      let zeroes = "dd if=/dev/zero bs=1M count=1 2>/dev/null | sha256sum"
      let piece = { (index: Int) in
        "dd if=/dev/xvda bs=1M count=1 skip=\(index) iflag=direct 2>/dev/null | sha256sum"
      }
      let zeroSum = try await guest.check(zeroes)
      #expect(try await guest.check(piece(1)) == zeroSum)
      #expect(try await guest.check(piece(0)) != zeroSum)
      #expect(try await guest.check(piece(2)) != zeroSum)
      try await guest.destroy()
    }

    @Test("a read-only disk refuses writes and discards")
    func readOnly() async throws {
      let host = try await RealXen.host
      _ = try await RealXen.disk
      let guest = try await host.startGuest(
        .guest("reader", disks: [DiskDomain.partition("guest1", isWritable: false)]))
      let sum = "dd if=/dev/xvda bs=1M count=2 iflag=direct 2>/dev/null | sha256sum"
      let before = try await guest.check(sum)
      // The guest's kernel refuses by itself once it knows; make it try.
      _ = try await guest.run("blockdev --setrw /dev/xvda")
      let write = "dd if=/dev/urandom of=/dev/xvda bs=4k count=1 oflag=direct"
      #expect(try await guest.run(write).succeeded == false)
      #expect(try await guest.run("blkdiscard -o 0 -l 1048576 /dev/xvda").succeeded == false)
      #expect(try await guest.check(sum) == before)
      try await guest.destroy()
    }

    @Test("an image file in a volume of the driver domain")
    func imageFile() async throws {
      let host = try await RealXen.host
      _ = try await RealXen.disk
      let guest = try await host.startGuest(
        .guest("image", disks: [DiskDomain.image("volume1.img")]))
      #expect(try await guest.check("blockdev --getsize64 /dev/xvda") == "134217728")
      // Each write to a hole waits for the volume's journal: a little is enough.
      try await useFileSystem(of: guest, mebibytes: 8)
      try await guest.shutdown()
    }

    @Test("a target that grows is seen in the guest at once")
    func resize() async throws {
      let host = try await RealXen.host
      _ = try await RealXen.disk
      let guest = try await host.startGuest(.guest("grows", disks: [DiskDomain.wholeDisk()]))
      #expect(try await guest.check("blockdev --getsize64 /dev/xvda") == "134217728")
      try await host.resizeDisk(XenHost.plainDiskDevice, bytes: 192 << 20)
      try await guest.check(
        "while [ $(blockdev --getsize64 /dev/xvda) != 201326592 ]; do usleep 20000; done")
      // The new space works.
      try await guest.check(
        "dd if=/dev/urandom of=/dev/xvda bs=1M seek=190 count=2 oflag=direct")
      try await guest.shutdown()
    }
  }
}
