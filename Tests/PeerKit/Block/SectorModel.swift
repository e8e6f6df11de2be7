import SimulatedXen

/// What each sector of a disk must hold: a stamp of its number and of the write that filled it.
///
/// Requests in flight at once have no order among each other, so one that changes sectors gets them
/// alone, as a file system sees to it.
package struct SectorModel {
  /// Sectors of 512 bytes.
  package let sectorCount: Int
  /// The write that filled the sector; 0 for zeroes, nil where a failed write left who knows what.
  private var versions: [UInt32?]
  private var readers: [Int]
  private var hasWriter: [Bool]
  private var lastVersion: UInt32 = 0

  /// A disk full of zeroes.
  package init(sectorCount: Int) {
    self.sectorCount = sectorCount
    versions = Array(repeating: 0, count: sectorCount)
    readers = Array(repeating: 0, count: sectorCount)
    hasWriter = Array(repeating: false, count: sectorCount)
  }

  /// Whether nobody is at these sectors in a way that would make the outcome a matter of luck.
  package func isFree(_ range: Range<Int>, forWriting: Bool) -> Bool {
    range.allSatisfy { !hasWriter[$0] && (!forWriting || readers[$0] == 0) }
  }

  /// A read of these sectors begins.
  package mutating func beginRead(_ range: Range<Int>) {
    for sector in range { readers[sector] += 1 }
  }

  /// A read has ended.
  ///
  /// - Returns: the first sector that holds something else than it must, nil when there is none.
  package mutating func endRead(_ range: Range<Int>, data: [UInt8]?) -> Int? {
    for sector in range { readers[sector] -= 1 }
    guard let data else { return nil }
    guard data.count == range.count * 512 else { return range.lowerBound }
    return range.first { sector in
      let start = (sector - range.lowerBound) * 512
      return !holds(sector, data[start..<(start + 512)])
    }
  }

  /// A write begins.
  ///
  /// - Returns: the bytes to write.
  package mutating func beginWrite(_ range: Range<Int>) -> [UInt8] {
    lastVersion += 1
    var data: [UInt8] = []
    for sector in range {
      hasWriter[sector] = true
      data += Self.stamp(sector, lastVersion)
      versions[sector] = lastVersion
    }
    return data
  }

  /// A discard begins, which this model's disks make zeroes of.
  package mutating func beginDiscard(_ range: Range<Int>) {
    for sector in range {
      hasWriter[sector] = true
      versions[sector] = 0
    }
  }

  /// A write or discard has ended, well or not.
  package mutating func endWrite(_ range: Range<Int>, isKnown: Bool) {
    for sector in range {
      hasWriter[sector] = false
      if !isKnown { versions[sector] = nil }
    }
  }

  /// Whether a sector's bytes are what they must be.
  package func holds(_ sector: Int, _ bytes: ArraySlice<UInt8>) -> Bool {
    guard let version = versions[sector] else { return true }
    return bytes.elementsEqual(Self.stamp(sector, version))
  }

  /// The first sector of a whole disk that is not as it must be.
  package func firstDifference(from bytes: [UInt8]) -> Int? {
    (0..<sectorCount).first { !holds($0, bytes[($0 * 512)..<($0 * 512 + 512)]) }
  }

  private static func stamp(_ sector: Int, _ version: UInt32) -> [UInt8] {
    guard version > 0 else { return [UInt8](repeating: 0, count: 512) }
    var stamp = [UInt8](repeating: UInt8(truncatingIfNeeded: version &+ 1), count: 512)
    for byte in 0..<4 {
      stamp[byte] = UInt8(truncatingIfNeeded: sector >> (8 * byte))
      stamp[4 + byte] = UInt8(truncatingIfNeeded: version >> UInt32(8 * byte))
      stamp[504 + byte] = stamp[byte]
      stamp[508 + byte] = stamp[4 + byte]
    }
    return stamp
  }
}
