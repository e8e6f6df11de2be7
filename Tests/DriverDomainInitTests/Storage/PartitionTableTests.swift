import Testing

@testable import DriverDomainInit

@Suite struct PartitionTableTests {
  private let identifier: [UInt8] = (1...16).map { UInt8($0) }

  private func disk(blockByteCount: Int = 512) -> DiskImage {
    var disk = DiskImage(blockByteCount: blockByteCount)
    disk.putGUIDTable([
      .init(firstBlock: 64, lastBlock: 127, label: "guest one/ü", identifier: identifier),
      .init(firstBlock: 128, lastBlock: 255, label: "", identifier: identifier.reversed()),
    ])
    return disk
  }

  @Test func checksumIsThatOfZlib() {
    #expect(CRC32.checksum("123456789".utf8) == 0xCBF4_3926)
    #expect(CRC32.checksum([]) == 0)
  }

  @Test(arguments: [512, 4096]) func readsGUIDTable(blockByteCount: Int) throws {
    let table = try #require(disk(blockByteCount: blockByteCount).table())
    #expect(table.entries.map(\.number) == [1, 2])
    #expect(table.entries.map(\.startByte) == [64, 128].map { UInt64($0 * blockByteCount) })
    #expect(table.entries[0].identifier == "04030201-0605-0807-090a-0b0c0d0e0f10")
    #expect(table.entries.map(\.label) == ["guest one/ü", ""])
  }

  @Test func backupServesWhenThePrimaryIsBroken() {
    var disk = disk()
    disk.bytes[512 + 40] ^= 1
    #expect(disk.table()?.entries.count == 2)
    disk.bytes[(4096 - 1) * 512 + 40] ^= 1
    #expect(disk.table() == nil)
  }

  @Test func entriesHaveAChecksumToo() {
    var disk = disk()
    disk.bytes[2 * 512 + 20] ^= 1
    let table = disk.table()
    #expect(table?.entries[0].identifier == "04030201-0605-0807-090a-0b0c0d0e0f10")
    disk.bytes[(4096 - 33) * 512 + 20] ^= 1
    #expect(disk.table() == nil)
  }

  @Test func absurdHeadersWithRightChecksumsAreNoTable() {
    for (entriesAt, count, size) in [
      (2, 257, 128), (2, 0, 128), (2, 4, 127), (2, 4, 1 << 30), (4096, 4, 128), (4095, 128, 128),
      (Int.max >> 10, 4, 128),
    ] {
      var disk = DiskImage()
      disk.putMasterBootRecord(diskIdentifier: 1, type: 0xEE)
      if size > 4096 || entriesAt > 1 << 32 {
        disk.putHeader(at: 1, entriesAt: 2, entryCount: 4)
        disk.put(UInt32(size), at: 512 + 84)
        disk.put(UInt64(entriesAt), at: 512 + 72)
        disk.seal(1)
      } else {
        disk.putHeader(at: 1, entriesAt: entriesAt, entryCount: count, entryByteCount: size)
      }
      #expect(disk.table() == nil, "entries at \(entriesAt), \(count) of \(size) bytes")
    }
  }

  @Test func masterBootRecordNamesPartitionsByNumber() throws {
    var disk = DiskImage()
    disk.putMasterBootRecord(diskIdentifier: 0x00AB_CDEF, type: 0x83)
    let table = try #require(disk.table(partitionNumbers: [1, 5, 0, 256]))
    #expect(table.entries.map(\.identifier) == ["00abcdef-01", "00abcdef-05"])
    #expect(table.entries.allSatisfy { $0.startByte == nil && $0.label.isEmpty })
  }

  @Test func diskWithoutTableOrIdentifierHasNone() {
    #expect(DiskImage().table() == nil)
    #expect(DiskImage(blockCount: 0).table() == nil)
    var disk = DiskImage()
    disk.putMasterBootRecord(diskIdentifier: 0, type: 0x83)
    #expect(disk.table(partitionNumbers: [1]) == nil)
  }

  @Test func nonsensicalGeometryIsRefused() {
    let disk = disk()
    for (block, bytes) in [(0, 1 << 20), (511, 1 << 20), (1 << 20, 1 << 20), (512, 1 << 62)] {
      let table = PartitionTable.read(
        blockByteCount: block, diskByteCount: UInt64(bytes), partitionNumbers: [],
        reader: disk.reader)
      #expect(table == nil)
    }
  }

  @Test func hostileTablesNeverCrashAndStayBounded() {
    var generator = SeededGenerator(seed: SeededGenerator.seed(for: "partition table"))
    for _ in 0..<300 {
      var disk = disk()
      let areas = [446..<512, 512..<604, 1024..<2048, (4095 * 512)..<(4095 * 512 + 92)]
      for _ in 0..<Int.random(in: 1...8, using: &generator) {
        guard let area = areas.randomElement(using: &generator) else { continue }
        let offset = Int.random(in: area, using: &generator)
        disk.bytes[offset] = UInt8.random(in: 0...255, using: &generator)
      }
      // Half of the time with right checksums, so that what lies behind them is reached.
      if Bool.random(using: &generator) {
        let entries = CRC32.checksum(disk.bytes[1024..<1024 + 128 * 128])
        disk.put(entries, at: 512 + 88)
        disk.seal(1)
      }
      if Int.random(in: 0..<10, using: &generator) == 0 {
        disk.bytes.removeLast(Int.random(in: 0...disk.bytes.count, using: &generator))
      }
      if let table = disk.table(partitionNumbers: [1, 2, 3]) {
        #expect(table.entries.count <= 256)
        #expect(table.entries.allSatisfy { $0.label.utf16.count <= 36 })
      }
    }
  }
}
