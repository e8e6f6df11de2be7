import RingTransport

/// What a guest's pages hold when a backend dies in the middle of its work.
extension NetFrontendQueue {
  /// The bytes of both rings at one moment.
  package struct RingImage: Sendable {
    var transmit: [UInt8]
    var receive: [UInt8]
  }

  /// Takes an image of the rings.
  package func ringImage() -> RingImage {
    RingImage(
      transmit: transmitRing.pages.bytes(from: 0, count: transmitRing.pages.byteCount),
      receive: receiveRing.pages.bytes(from: 0, count: receiveRing.pages.byteCount))
  }

  /// How many responses of each ring the backend has published since an image was taken.
  package func publishedCounts(since image: RingImage) -> (transmit: Int, receive: Int) {
    (
      Self.published(transmitRing, since: image.transmit),
      Self.published(receiveRing, since: image.receive)
    )
  }

  /// Makes the rings what they were when the backend had written so many responses and had not
  /// published them. The guest has not looked since the image was taken.
  package func undo(
    to image: RingImage, keepingTransmitResponses transmit: Int, receiveResponses receive: Int
  ) {
    Self.undo(transmitRing, to: image.transmit, keeping: transmit)
    Self.undo(receiveRing, to: image.receive, keeping: receive)
    hasSeenCrash = true
  }

  /// Makes the rings what they were when an image was taken. The guest has not looked since.
  package func restore(_ image: RingImage) {
    // SAFETY: the raw bytes of initialised integers.
    transmitRing.pages.copyIn(unsafe image.transmit.span.bytes, to: 0)
    receiveRing.pages.copyIn(unsafe image.receive.span.bytes, to: 0)
    hasSeenCrash = true
  }

  private static func published(_ ring: borrowing FrontRing, since image: [UInt8]) -> Int {
    let now = ring.pages.loadAcquiring(at: RingLayout.responseProducerOffset)
    return Int(now &- producer(image))
  }

  private static func undo(_ ring: borrowing FrontRing, to image: [UInt8], keeping count: Int) {
    let producer = producer(image)
    let published = ring.pages.loadAcquiring(at: RingLayout.responseProducerOffset) &- producer
    for distance in UInt32(min(count, Int(published)))..<published {
      let offset = ring.layout.slotOffset(of: RingIndex(rawValue: producer &+ distance))
      let slot = Array(image[offset..<(offset + ring.layout.slotByteCount)])
      // SAFETY: the raw bytes of initialised integers.
      ring.pages.copyIn(unsafe slot.span.bytes, to: offset)
    }
    ring.pages.storeReleasing(producer, at: RingLayout.responseProducerOffset)
  }

  private static func producer(_ image: [UInt8]) -> UInt32 {
    (0..<4).reduce(0) {
      $0 | UInt32(image[RingLayout.responseProducerOffset + $1]) << UInt32($1 * 8)
    }
  }
}
