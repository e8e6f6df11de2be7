/// Reads a GPT: the primary header, or the backup in the last block when the primary is broken,
/// both with their checksums (UEFI specification, chapter 5.3).
struct GUIDPartitionTable {
  let blockByteCount: UInt64
  let diskByteCount: UInt64
  let reader: PartitionTable.Reader

  /// The specification's minimum, and what every tool writes, is 128 entries. Linux names at
  /// most 256 partitions of a disk.
  static let entryCountMax: UInt32 = 256
  /// Entries are 128 bytes; the specification allows greater powers of two.
  static let entryByteCounts: Set<UInt32> = [128, 256, 512]
  static let headerByteCountMin: UInt32 = 92

  func read() -> PartitionTable? {
    let lastBlock = diskByteCount / blockByteCount
    guard lastBlock >= 3 else { return nil }
    return read(headerBlock: 1) ?? read(headerBlock: lastBlock - 1)
  }

  private func read(headerBlock: UInt64) -> PartitionTable? {
    let block = reader(headerBlock * blockByteCount, Int(blockByteCount))
    let header = LittleEndianBytes(block[...])
    guard let signature = header[0, 8], signature.elementsEqual("EFI PART".utf8),
      let headerByteCount = header.integer(at: 12, as: UInt32.self),
      (Self.headerByteCountMin...UInt32(blockByteCount)).contains(headerByteCount),
      checksumHolds(of: block, byteCount: Int(headerByteCount), header),
      header.integer(at: 24, as: UInt64.self) == headerBlock,
      let entriesBlock = header.integer(at: 72, as: UInt64.self),
      let entryCount = header.integer(at: 80, as: UInt32.self),
      let entryByteCount = header.integer(at: 84, as: UInt32.self),
      let entriesChecksum = header.integer(at: 88, as: UInt32.self),
      (1...Self.entryCountMax).contains(entryCount),
      Self.entryByteCounts.contains(entryByteCount),
      entriesBlock < diskByteCount / blockByteCount
    else { return nil }
    let byteCount = Int(entryCount) * Int(entryByteCount)
    let entries = reader(entriesBlock * blockByteCount, byteCount)
    guard entries.count == byteCount, CRC32.checksum(entries) == entriesChecksum else {
      return nil
    }
    return PartitionTable(
      entries: (0..<Int(entryCount)).compactMap { index in
        let start = index * Int(entryByteCount)
        return entry(entries[start..<start + Int(entryByteCount)], number: index + 1)
      })
  }

  /// The header's checksum is over the header with the checksum's own field as zero.
  private func checksumHolds(
    of block: [UInt8], byteCount: Int, _ header: LittleEndianBytes
  ) -> Bool {
    guard let expected = header.integer(at: 16, as: UInt32.self), byteCount <= block.count else {
      return false
    }
    var bytes = block[..<byteCount]
    for offset in 16..<20 { bytes[offset] = 0 }
    return CRC32.checksum(bytes) == expected
  }

  private func entry(_ slice: ArraySlice<UInt8>, number: Int) -> PartitionTable.Entry? {
    let fields = LittleEndianBytes(slice)
    guard let type = fields[0, 16], type.contains(where: { $0 != 0 }),
      let identifier = fields[16, 16],
      let firstBlock = fields.integer(at: 32, as: UInt64.self),
      firstBlock < diskByteCount / blockByteCount,
      let name = fields[56, 72]
    else { return nil }
    return PartitionTable.Entry(
      number: number, startByte: firstBlock * blockByteCount,
      identifier: Self.text(ofIdentifier: Array(identifier)), label: Self.label(name))
  }

  /// A GUID's first three fields are little-endian on the disk.
  private static func text(ofIdentifier bytes: [UInt8]) -> String {
    let order: [Int?] = [
      3, 2, 1, 0, nil, 5, 4, nil, 7, 6, nil, 8, 9, nil, 10, 11, 12, 13, 14, 15,
    ]
    return order.map { $0.map { Text.hexadecimal(bytes[$0]) } ?? "-" }.joined()
  }

  /// 36 UTF-16 units, ended by zero; a lone surrogate becomes U+FFFD.
  private static func label(_ field: ArraySlice<UInt8>) -> String {
    let bytes = LittleEndianBytes(field)
    let units = (0..<field.count / 2).map { bytes.integer(at: $0 * 2, as: UInt16.self) ?? 0 }
    return String(decoding: units.prefix { $0 != 0 }, as: UTF16.self)
  }
}
