import Glibc
import RingTransport

/// What everything is compared with: a loop that moves the bytes of a request and of its response
/// and the two indices, and does nothing else. As fast as this machine is at such things just now.
enum ReferenceLoop {
  static let path = Path(group: .ring, key: "reference", title: "the bytes alone", limit: 2) {
    count in
    let guest = BenchGuest(pageCount: 2)
    let layout = RingLayout(pageCount: 1, slotByteCount: 112)
    let pages = guest.pages(0)
    var copy = try PrivateMemory(byteCount: xenPageByteCount)
    let response = try PrivateMemory(byteCount: xenPageByteCount)
    return Cost.measure(count) {
      var index = RingIndex.zero
      for _ in 0..<count {
        let offset = layout.slotOffset(of: index)
        if pages.loadAcquiring(at: RingLayout.requestProducerOffset) == .max { return }
        var slot = copy.mutableBytes(0..<112)
        pages.copyOut(from: offset, byteCount: 112, into: &slot)
        pages.copyIn(response.bytes.extracting(first: 16), to: offset)
        index = index.advanced(by: 1)
        pages.storeReleasing(index.rawValue, at: RingLayout.responseProducerOffset)
      }
    }
  }
}
