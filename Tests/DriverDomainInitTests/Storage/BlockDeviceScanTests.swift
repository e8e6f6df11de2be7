import Testing

@testable import DriverDomainInit

@Suite struct BlockDeviceScanTests {
  private let identifier: [UInt8] = (1...16).map { UInt8($0) }

  /// Builds sysfs as Linux 6.1 has it: one directory per device, and links in class/block.
  private func add(
    _ path: String, _ files: [String: String], to directory: borrowing TemporaryDirectory
  ) throws {
    for (name, text) in files {
      try directory.write(text + "\n", to: "sys/devices/\(path)/\(name)")
    }
    let name = path.split(separator: "/").last.map(String.init) ?? path
    try Files.makeDirectories("\(directory.path)/sys/class/block")
    try Files.link(
      "\(directory.path)/sys/class/block/\(name)", to: "../../devices/\(path)")
  }

  private func scan(_ directory: borrowing TemporaryDirectory) -> [BlockDevice] {
    BlockDeviceScan(
      sysDirectory: directory.path + "/sys", deviceDirectory: directory.path + "/dev"
    ).devices()
  }

  private func writeDisk(_ name: String, to directory: borrowing TemporaryDirectory) throws {
    var disk = DiskImage()
    disk.putGUIDTable([
      .init(firstBlock: 64, lastBlock: 127, label: "one", identifier: identifier),
      .init(firstBlock: 128, lastBlock: 255, label: "two", identifier: identifier.reversed()),
    ])
    try directory.write(disk.bytes, to: "dev/\(name)")
  }

  @Test func findsDisksPartitionsSerialsAndLabels() throws {
    let directory = try TemporaryDirectory()
    try add("vda", ["size": "4096", "ro": "0", "serial": "disk a"], to: directory)
    try add("vda/vda1", ["size": "64", "partition": "1", "start": "64"], to: directory)
    try add("vda/vda2", ["size": "128", "partition": "2", "start": "128"], to: directory)
    try add("nvme0n1", ["size": "8", "ro": "1", "device/serial": "N1  "], to: directory)
    try add("sda", ["size": "8", "device/vpd_pg80": "\0\u{1}\0\u{8}  SCSI-1"], to: directory)
    try add("sr0", ["size": "0"], to: directory)
    try add("loop0", ["size": "8"], to: directory)
    try writeDisk("vda", to: directory)
    let devices = scan(directory)
    #expect(devices.map(\.name) == ["nvme0n1", "sda", "vda", "vda1", "vda2"])
    #expect(devices.map(\.serial) == ["N1", "SCSI-1", "disk a", "disk a", "disk a"])
    #expect(devices.map(\.isReadOnly) == [true, false, false, false, false])
    #expect(devices[3].byteCount == 64 * 512)
    #expect(
      devices[3].links == [
        "by-partuuid/04030201-0605-0807-090a-0b0c0d0e0f10", "by-partlabel/one",
        #"by-serial/disk\x20a-part1"#,
      ])
  }

  @Test func entryThatStartsElsewhereIsAnotherPartition() throws {
    let directory = try TemporaryDirectory()
    try add("vda", ["size": "4096"], to: directory)
    let files = [
      "size": "64", "partition": "1", "start": "65", "uevent": "PARTN=1\nPARTNAME=kernel",
    ]
    try add("vda/vda1", files, to: directory)
    try writeDisk("vda", to: directory)
    #expect(scan(directory)[1].links == ["by-partlabel/kernel"])
  }

  @Test func nonsenseInSysfsIsSkipped() throws {
    let directory = try TemporaryDirectory()
    try add("vda", ["size": "many"], to: directory)
    try add("vdb", ["size": "18446744073709551615"], to: directory)
    try add("vdc", ["ro": "0"], to: directory)
    try add("vdd", ["size": "8", "queue/logical_block_size": "-1"], to: directory)
    try add("vdd/vdd1", ["size": "1", "partition": "x", "start": "-5"], to: directory)
    #expect(scan(directory).map(\.name) == ["vdd"])
    #expect(BlockDeviceScan(sysDirectory: "/nonexistent").devices().isEmpty)
  }
}
