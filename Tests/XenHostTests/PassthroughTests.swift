import Testing
import XenHost

extension RealXen {
  /// The guests' image has the drivers of a passed-through disk too, and stands in for a driver
  /// domain.
  @Suite("PCI passthrough")
  struct PassthroughTests {
    @Test("gives a domain the partitioned disk")
    func passesDisk() async throws {
      let host = try await RealXen.host
      var configuration = DomainConfiguration.guest("owner")
      configuration.pci = [XenHost.partitionedDisk]
      let owner = try await host.startGuest(configuration)
      #expect(try await owner.check("cat /sys/block/vda/serial") == "disk-a")
      let names = try await owner.check("cd /sys/block/vda; grep -h PARTNAME vda*/uevent")
      for name in ["guest1", "guest2", "volumes", "tools", "scratch"] {
        #expect(names.contains("PARTNAME=\(name)\n") || names.hasSuffix("PARTNAME=\(name)"))
      }
      let write = "dd if=/dev/urandom of=/dev/vda1 bs=1M count=4 oflag=direct"
      try await owner.check("\(write) && blkdiscard -o 4194304 -l 4194304 /dev/vda1")
      try await owner.check("mount -t ext4 -o ro /dev/vda3 /mnt && ls -l /mnt/images/volume1.img")
      try await owner.shutdown()
    }

    @Test("shows that the machine's disk has grown")
    func growsDisk() async throws {
      let host = try await RealXen.host
      var configuration = DomainConfiguration.guest("grower")
      configuration.pci = [XenHost.plainDisk]
      let owner = try await host.startGuest(configuration)
      #expect(try await owner.check("blockdev --getsize64 /dev/vda") == "134217728")
      try await host.resizeDisk(XenHost.plainDiskDevice, bytes: 256 << 20)
      try await owner.check(
        "while [ $(blockdev --getsize64 /dev/vda) = 134217728 ]; do usleep 10000; done")
      #expect(try await owner.check("blockdev --getsize64 /dev/vda") == "268435456")
      try await owner.destroy()
      // The device is Dom0's to give again.
      let assignable = try await host.dom0.check("xl pci-assignable-list")
      #expect(assignable.contains(XenHost.plainDisk))
    }
  }
}
