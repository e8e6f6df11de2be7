import Testing
import XenHost

extension RealXen {
  /// Linux's own xen-blkback in Dom0: proves guests, tools and disks without a backend of ours, and
  /// is the baseline to compare one with.
  @Suite("Linux blkback in Dom0", inCompleteRun)
  struct LinuxBackendTests {
    @Test("serves a guest's file system and fio")
    func servesGuest() async throws {
      let host = try await RealXen.host
      let guest = try await host.startGuest(
        .guest(
          "baseline",
          disks: [
            .dom0("xvda", target: "\(XenHost.dom0Disk)1"),
            .dom0("xvdb", target: "\(XenHost.dom0Disk)4", isWritable: false),
          ]))
      try await guest.check("mkfs.ext4 -q /dev/xvda && mount -t ext4 /dev/xvda /mnt")
      try await guest.check("dd if=/dev/urandom of=/mnt/data bs=1M count=32 && sync")
      let sum = try await guest.check("sha256sum /mnt/data")
      try await guest.check("umount /mnt && mount -t ext4 /dev/xvda /mnt")
      #expect(try await guest.check("sha256sum /mnt/data") == sum)
      try await guest.check("umount /mnt && e2fsck -fn /dev/xvda")
      #expect(try await guest.run("dd if=/dev/zero of=/dev/xvdb count=1").succeeded == false)

      try await guest.check("mkdir /tools && mount -t ext4 -o ro /dev/xvdb /tools")
      try await guest.check(
        """
        /tools/fio/fio --name=verify --filename=/dev/xvda --direct=1 --rw=randrw --bs=4k \
          --size=16M --iodepth=8 --ioengine=libaio --verify=crc32c --do_verify=1 --verify_fatal=1
        """)
      try await guest.shutdown()
    }
  }
}
