/// What a disk's partition table says beside sizes: the names that links are made of.
///
/// Linux 6.1 knows partition identifiers but does not show them in sysfs, so they are read from
/// the disk. A table may have been written by a guest that owned the whole disk: everything is
/// bounded and checked, and a bad table is no table.
struct PartitionTable: Equatable {
  /// One partition's identity.
  struct Entry: Equatable {
    /// The number the kernel gives it, from 1.
    var number: Int
    /// Its first sector in bytes from the start of the disk; nil when the table does not say.
    var startByte: UInt64?
    /// The identifier as `by-partuuid` spells it.
    var identifier: String
    /// The label; empty when it has none.
    var label: String
  }

  var entries: [Entry]

  /// Reads bytes of the disk: at an offset, so many. Fewer come back at its end.
  typealias Reader = (_ offset: UInt64, _ count: Int) -> [UInt8]

  /// Reads the table of a disk, or nil when it has none that holds together.
  static func read(
    blockByteCount: Int, diskByteCount: UInt64, partitionNumbers: [Int], reader: @escaping Reader
  ) -> PartitionTable? {
    // Logical blocks are 512 bytes, or 4096; the limits keep the arithmetic below far from
    // overflow whatever the disk says.
    guard (512...65536).contains(blockByteCount), diskByteCount <= 1 << 60 else { return nil }
    let first = reader(0, 512)
    guard let record = MasterBootRecord(first) else { return nil }
    guard record.isProtective else {
      return record.table(partitionNumbers: partitionNumbers)
    }
    let disk = GUIDPartitionTable(
      blockByteCount: UInt64(blockByteCount), diskByteCount: diskByteCount, reader: reader)
    return disk.read()
  }
}

/// The first sector of a disk without GPT, or with its protective entry.
struct MasterBootRecord {
  private let bytes: LittleEndianBytes
  private let diskIdentifier: UInt32

  /// Nil when the signature is not there.
  init?(_ sector: [UInt8]) {
    bytes = LittleEndianBytes(sector[...])
    guard bytes.integer(at: 510, as: UInt16.self) == 0xAA55,
      let identifier = bytes.integer(at: 440, as: UInt32.self)
    else { return nil }
    diskIdentifier = identifier
  }

  /// Whether an entry of type 0xEE says that the real table is a GPT.
  var isProtective: Bool {
    (0..<4).contains { bytes.integer(at: 446 + 16 * $0 + 4, as: UInt8.self) == 0xEE }
  }

  /// An MBR partition's identifier is the disk's and the partition's number, for logical
  /// partitions too, so the kernel's list of numbers is enough.
  func table(partitionNumbers: [Int]) -> PartitionTable? {
    // Zero is what a disk without an identifier has, so it identifies nothing.
    guard diskIdentifier != 0 else { return nil }
    let digits = String(diskIdentifier, radix: 16)
    let disk = String(repeating: "0", count: 8 - digits.count) + digits
    let entries = partitionNumbers.filter { (1...255).contains($0) }.map { number in
      PartitionTable.Entry(
        number: number, startByte: nil,
        identifier: disk + "-" + Text.hexadecimal(UInt8(number)), label: "")
    }
    return PartitionTable(entries: entries)
  }
}
