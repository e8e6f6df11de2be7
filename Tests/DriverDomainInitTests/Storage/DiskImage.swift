@testable import DriverDomainInit

/// Makes partition tables in memory, good ones and bad ones.
struct DiskImage {
  struct Partition {
    var firstBlock: UInt64
    var lastBlock: UInt64
    var label: String
    var identifier: [UInt8]
  }

  var bytes: [UInt8]
  let blockByteCount: Int
  private static let entryBlocksAt = 2

  init(blockCount: Int = 4096, blockByteCount: Int = 512) {
    bytes = [UInt8](repeating: 0, count: blockCount * blockByteCount)
    self.blockByteCount = blockByteCount
  }

  var reader: PartitionTable.Reader {
    let bytes = bytes
    return { offset, count in
      guard offset < UInt64(bytes.count) else { return [] }
      return Array(bytes[Int(offset)...].prefix(count))
    }
  }

  func table(partitionNumbers: [Int] = []) -> PartitionTable? {
    PartitionTable.read(
      blockByteCount: blockByteCount, diskByteCount: UInt64(bytes.count),
      partitionNumbers: partitionNumbers, reader: reader)
  }

  mutating func put(_ value: some FixedWidthInteger, at offset: Int) {
    for index in 0..<(value.bitWidth / 8) {
      bytes[offset + index] = UInt8(truncatingIfNeeded: value >> (8 * index))
    }
  }

  mutating func putMasterBootRecord(diskIdentifier: UInt32, type: UInt8) {
    put(diskIdentifier, at: 440)
    bytes[446 + 4] = type
    put(UInt16(0xAA55), at: 510)
  }

  /// Writes both copies of a GPT, with right checksums.
  mutating func putGUIDTable(_ partitions: [Partition], entryCount: Int = 128) {
    putMasterBootRecord(diskIdentifier: 0, type: 0xEE)
    let blockCount = bytes.count / blockByteCount
    let tableBlockCount = (entryCount * 128 + blockByteCount - 1) / blockByteCount
    let backupTable = blockCount - 1 - tableBlockCount
    for (header, table) in [(1, Self.entryBlocksAt), (blockCount - 1, backupTable)] {
      for (index, partition) in partitions.enumerated() {
        put(partition, at: table * blockByteCount + index * 128)
      }
      putHeader(at: header, entriesAt: table, entryCount: entryCount)
    }
  }

  private mutating func put(_ partition: Partition, at offset: Int) {
    bytes[offset] = 0xAF
    for (index, byte) in partition.identifier.enumerated() { bytes[offset + 16 + index] = byte }
    put(partition.firstBlock, at: offset + 32)
    put(partition.lastBlock, at: offset + 40)
    for (index, unit) in partition.label.utf16.prefix(36).enumerated() {
      put(unit, at: offset + 56 + 2 * index)
    }
  }

  /// Writes a header whose checksums match what the disk holds now.
  mutating func putHeader(
    at block: Int, entriesAt table: Int, entryCount: Int, entryByteCount: Int = 128
  ) {
    let start = block * blockByteCount
    for (index, byte) in "EFI PART".utf8.enumerated() { bytes[start + index] = byte }
    put(UInt32(0x10000), at: start + 8)
    put(UInt32(92), at: start + 12)
    put(UInt64(block), at: start + 24)
    put(UInt64(table), at: start + 72)
    put(UInt32(entryCount), at: start + 80)
    put(UInt32(entryByteCount), at: start + 84)
    let from = min(table * blockByteCount, bytes.count)
    let entries = bytes[from..<min(from + entryCount * entryByteCount, bytes.count)]
    put(CRC32.checksum(entries), at: start + 88)
    seal(block)
  }

  /// Makes the header's own checksum right.
  mutating func seal(_ block: Int) {
    let start = block * blockByteCount
    put(UInt32(0), at: start + 16)
    put(CRC32.checksum(bytes[start..<start + 92]), at: start + 16)
  }
}
