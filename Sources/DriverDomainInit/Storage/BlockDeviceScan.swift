import Glibc
import RingTransport
import SystemPackage

/// Finds disks and partitions in sysfs, and reads the partition tables of the disks.
struct BlockDeviceScan {
  var sysDirectory = "/sys"
  var deviceDirectory = "/dev"

  /// A driver domain has a handful of disks; this bounds the work and the list in XenStore when
  /// a table names hundreds of partitions.
  static let deviceCountMax = 256
  /// What the kernel makes up out of memory or files is nothing to give to a guest by name.
  private static let ignoredPrefixes = ["loop", "ram", "zram", "nbd"]

  /// All devices that have a size, in the order of their names.
  func devices() -> [BlockDevice] {
    let names = Files.names(in: classDirectory).filter { name in
      !Self.ignoredPrefixes.contains { name.hasPrefix($0) }
    }.prefix(Self.deviceCountMax)
    let partitions = names.filter { Files.exists("\(classDirectory)/\($0)/partition") }
    var devices: [BlockDevice] = []
    for disk in names where !partitions.contains(disk) {
      guard let device = device(disk) else { continue }
      devices.append(device)
      let mine = partitions.filter { self.disk(ofPartition: $0) == disk }
      devices += self.partitions(mine, of: device)
    }
    return devices
  }

  private var classDirectory: String { sysDirectory + "/class/block" }

  private func number(_ path: String) -> UInt64? {
    Files.text(of: "\(classDirectory)/\(path)").flatMap { UInt64($0) }
  }

  private func device(_ name: String) -> BlockDevice? {
    // sysfs counts sectors of 512 bytes whatever the disk's block size is. A drive without a
    // medium has size 0.
    guard let sectorCount = number("\(name)/size"), (1...(1 << 51)).contains(sectorCount) else {
      return nil
    }
    return BlockDevice(
      name: name, byteCount: sectorCount * 512, isReadOnly: number("\(name)/ro") == 1,
      serial: serial(name))
  }

  private func partitions(_ names: [String], of disk: BlockDevice) -> [BlockDevice] {
    let numbers = names.map { number("\($0)/partition").flatMap { Int(exactly: $0) } ?? 0 }
    let table = names.isEmpty ? nil : table(of: disk, partitionNumbers: numbers)
    return zip(names, numbers).compactMap { name, number in
      guard number > 0, var device = device(name) else { return nil }
      let entry = table?.entries.first { $0.number == number && starts($0, where: name) }
      device.serial = disk.serial
      device.partition = BlockDevice.Partition(
        number: number, identifier: entry?.identifier,
        label: entry.flatMap { $0.label.isEmpty ? nil : $0.label } ?? kernelLabel(name))
      return device
    }
  }

  /// The table on the disk may be newer than what the kernel has read: an entry that starts
  /// elsewhere is not this partition.
  private func starts(_ entry: PartitionTable.Entry, where name: String) -> Bool {
    guard let startByte = entry.startByte else { return true }
    guard let start = number("\(name)/start"), start < 1 << 51 else { return false }
    return start * 512 == startByte
  }

  private func table(of disk: BlockDevice, partitionNumbers: [Int]) -> PartitionTable? {
    let path = FilePath("\(deviceDirectory)/\(disk.name)")
    guard let file = try? OwnedFileDescriptor.open(path, .readOnly) else { return nil }
    let blockByteCount = number("\(disk.name)/queue/logical_block_size") ?? 512
    return PartitionTable.read(
      blockByteCount: Int(exactly: blockByteCount) ?? 0, diskByteCount: disk.byteCount,
      partitionNumbers: partitionNumbers
    ) { offset, count in
      guard let offset = Int(exactly: offset) else { return [] }
      return (try? Files.bytes(of: file, at: offset, count: count)) ?? []
    }
  }

  /// `/sys/class/block/vda1` is a link to `…/block/vda/vda1`.
  private func disk(ofPartition name: String) -> String? {
    Files.linkTarget("\(classDirectory)/\(name)")?.split(separator: "/").dropLast().last
      .map(String.init)
  }

  private func kernelLabel(_ name: String) -> String? {
    let lines = Text.lines(Files.text(of: "\(classDirectory)/\(name)/uevent") ?? "")
    return lines.first { $0.hasPrefix("PARTNAME=") }.map { String($0.dropFirst(9)) }
  }

  /// virtio shows the serial number at the disk, NVMe at the controller, SCSI and ATA in the
  /// vital product data page 0x80: a header of four bytes, then the text.
  private func serial(_ name: String) -> String? {
    for path in ["serial", "device/serial"] {
      if let text = Files.text(of: "\(classDirectory)/\(name)/\(path)"), !text.isEmpty {
        return text
      }
    }
    guard let page = try? Files.bytes(of: "\(classDirectory)/\(name)/device/vpd_pg80"),
      page.count > 4
    else { return nil }
    let text = Text.trimmed(String(decoding: page.dropFirst(4), as: UTF8.self))
    return text.isEmpty ? nil : text
  }
}
