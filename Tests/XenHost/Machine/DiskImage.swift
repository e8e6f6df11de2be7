import Foundation

/// A partition of the machine's passed-through disk, read from outside of the machine: what is here
/// was written, whatever anybody in there believes.
public struct DiskImage: Sendable {
  private let path: String
  private let start: UInt64

  private static let sectorByteCount: UInt64 = 512
  /// Entries of a partition table begin in the third sector, each as long as this (UEFI, 5.3).
  private static let entriesStart = 2 * sectorByteCount
  private static let entryByteCount = 128
  private static let entryCount = 128

  /// Finds the partition by its label in the table; nil when there is none.
  init?(path: String, partition: String) throws {
    let file = try FileHandle(forReadingFrom: URL(filePath: path))
    try file.seek(toOffset: Self.entriesStart)
    let table = [UInt8](
      try file.read(upToCount: Self.entryByteCount * Self.entryCount) ?? Data())
    let entries = stride(from: 0, to: table.count, by: Self.entryByteCount).map {
      table.dropFirst($0).prefix(Self.entryByteCount)
    }
    let entry = entries.first { entry in
      String(decoding: entry.dropFirst(56), as: UTF8.self).filter { $0 != "\0" } == partition
    }
    guard let entry else { return nil }
    self.path = path
    start = Self.number(in: entry, at: 32, byteCount: 8) * Self.sectorByteCount
  }

  /// Reads bytes of the partition.
  public func read(at offset: Int, count: Int) throws -> [UInt8] {
    let file = try FileHandle(forReadingFrom: URL(filePath: path))
    try file.seek(toOffset: start + UInt64(offset))
    return [UInt8](try file.read(upToCount: count) ?? Data())
  }

  /// A number in the order of x86.
  public static func number(in data: ArraySlice<UInt8>, at offset: Int, byteCount: Int) -> UInt64 {
    data.dropFirst(offset).prefix(byteCount).reversed().reduce(0) { $0 << 8 | UInt64($1) }
  }
}

extension XenHost {
  /// A partition of the disk that the disk domain has.
  public func diskImage(of partition: String) throws -> DiskImage? {
    try DiskImage(path: "\(diskDirectory)/disk-a.img", partition: partition)
  }
}
