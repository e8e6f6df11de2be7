import CRingReference
import PeerKit
import RingTransport
import Testing

/// Where slots lie, against the compiler's answer for the structures and macros of Xen's headers.
struct RingLayoutTests {
  @Test func sizesAndOffsetsAreThoseOfTheMacros() {
    for abi in WireABI.allCases {
      for order in 0...4 {
        let layout = RingLayout(pageCount: 1 << order, slotByteCount: abi.slotByteCount)
        let byteCount = 4096 << order
        #expect(layout.slotCount == reference_ring_size(abi.reference, byteCount))
        #expect(layout.slotCount == 32 << UInt32(order))
        for index in 0..<(2 * layout.slotCount) {
          let place = RingIndex(rawValue: index &- 5)
          let offset = reference_slot_offset(abi.reference, byteCount, place.rawValue)
          #expect(layout.slotOffset(of: place) == offset)
          #expect(offset + abi.slotByteCount <= byteCount)
        }
      }
    }
  }

  /// The largest power of two that fits, for any slot size.
  @Test func slotCountIsTheLargestPowerOfTwoThatFits() {
    for pageCount in 1...16 {
      for slotByteCount in 1...512 {
        let layout = RingLayout(pageCount: pageCount, slotByteCount: slotByteCount)
        let room = pageCount * 4096 - 64
        #expect(layout.slotCount.nonzeroBitCount == 1)
        #expect(Int(layout.slotCount) * slotByteCount <= room)
        #expect(Int(layout.slotCount) * 2 * slotByteCount > room)
      }
    }
  }
}
