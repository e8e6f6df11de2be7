import Testing

@testable import BlockBackend

struct BlockGeometryTests {
  /// Every range on a small disk and past its end, against whole numbers without limits.
  @Test(arguments: [512, 1024, 4096])
  func rangesExhaustively(sectorByteCount: Int) {
    let geometry = BlockGeometry(
      capacityBytes: 16384, logicalSectorByteCount: sectorByteCount)
    for sector in UInt64(0)...40 {
      for count in UInt64(0)...40 {
        let isInside = sector + count <= 32
        let isWhole =
          sector * 512 % UInt64(sectorByteCount) == 0 && count * 512 % UInt64(sectorByteCount) == 0
        let range = geometry.byteRange(sector: sector, sectorCount: count)
        #expect((range != nil) == (isInside && isWhole))
        if let range {
          #expect(range.offset == sector * 512 && range.count == count * 512)
        }
      }
    }
  }

  /// Numbers whose sum or product does not fit.
  @Test func overflows() {
    let geometry = BlockGeometry(capacityBytes: 1 << 20)
    let large: [UInt64] = [
      .max, .max - 1, .max - 7, .max / 512, .max / 512 + 1, 1 << 63, 1 << 55, 2049,
    ]
    for sector in large {
      for count in large + [0, 1, 8] {
        #expect(geometry.byteRange(sector: sector, sectorCount: count) == nil)
        #expect(geometry.byteRange(sector: count, sectorCount: sector) == nil)
      }
    }
    #expect(geometry.byteRange(sector: 2048, sectorCount: 0) != nil)
    #expect(geometry.byteRange(sector: 2047, sectorCount: 1) != nil)
    #expect(geometry.byteRange(sector: 2047, sectorCount: 2) == nil)
  }

  /// The largest disk that there can be does not overflow either.
  @Test func largestCapacity() {
    let capacity = UInt64.max / 512 * 512
    let geometry = BlockGeometry(capacityBytes: capacity)
    #expect(geometry.byteRange(sector: 0, sectorCount: UInt64.max / 512)?.count == capacity)
    #expect(geometry.byteRange(sector: 1, sectorCount: UInt64.max / 512) == nil)
  }
}
