import CRingReference
import PeerKit
import RingTransport
import Testing

@testable import BlockBackend

struct BlockSegmentTests {
  /// Every pair of sectors that a guest can write.
  @Test func validityExhaustively() {
    for first in UInt8.min...UInt8.max {
      for last in UInt8.min...UInt8.max {
        var segment = BlockSegment()
        segment.firstSector = first
        segment.lastSector = last
        let isValid = first <= last && last <= 7
        guard segment.isValid == isValid else {
          Issue.record("\(first)...\(last)")
          continue
        }
        if isValid {
          #expect(segment.pageOffset == Int(first) * 512)
          #expect(segment.byteCount == (Int(last) - Int(first) + 1) * 512)
          #expect(segment.pageOffset + segment.byteCount <= 4096)
        }
      }
    }
  }

  /// Segments of an indirect page, as C lays them out.
  @Test func decodesIndirectPages() {
    let segments = (0..<512).map { index in
      reference_segment(
        reference: UInt32(index) &* 0x9e37_79b9, first: UInt8(index % 256),
        last: UInt8(index / 2))
    }
    let page = WireABI.indirectPage(segments)
    for (index, expected) in segments.enumerated() {
      // SAFETY: the raw bytes of initialised integers.
      let segment = BlockSegment(in: unsafe page.span.bytes, at: index * 8)
      #expect(segment.reference.rawValue == expected.reference)
      #expect(segment.firstSector == expected.first)
      #expect(segment.lastSector == expected.last)
    }
  }
}
