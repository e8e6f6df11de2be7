import CRingReference
import RingTransport
import SimulatedXen

/// Receive buffers and control requests with at most a few things wrong.
extension HostileNetFrontend {
  /// Offers buffers: good ones, twice the same page or number, read-only ones, none.
  package func offerBuffers(_ count: Int) {
    for _ in 0..<count {
      guard receive.room > 0 else { break }
      var request = reference_rx_request()
      request.identifier = UInt16.random(in: 0..<300, using: &generator)
      request.reference = aReference().rawValue
      var bytes = (0..<receive.layout.slotByteCount).map { _ in
        UInt8.random(in: 0...255, using: &generator)
      }
      if generator.chance(percent: 97) { NetSlot.put(request, into: &bytes) }
      put(bytes, into: receive)
      bufferCount += 1
    }
    receive.pages.storeReleasing(receive.produced, at: RingLayout.requestProducerOffset)
    if generator.chance(percent: 90) { machine.send(receive.port, of: domain) }
  }

  /// Asks for hashes with keys and tables that cannot be.
  func sendControlRequests(_ count: Int) {
    for _ in 0..<count {
      guard control.room > 0 else { break }
      var request = reference_control_request()
      request.identifier = UInt16(truncatingIfNeeded: generator.interestingWord())
      request.type = UInt16.random(in: 0...11, using: &generator)
      if generator.chance(percent: 5) { request.type = .max }
      switch request.type {
      case 3, 6: request.data.0 = aReference().rawValue
      case 7: request.data.0 = UInt32.random(in: 0...2, using: &generator)
      default: request.data.0 = generator.chance(percent: 50) ? 15 : generator.interestingWord()
      }
      let lengths: [UInt32] = [
        0, 1, 39, 40, 41, 64, 127, 128, 129, 1023, 1024, 1025, 4096, 65536, 0x4000_0000, .max,
      ]
      request.data.1 = lengths.randomElement(using: &generator) ?? 0
      request.data.2 =
        generator.chance(percent: 50) ? 0 : lengths.randomElement(using: &generator) ?? 0
      var bytes = [UInt8](repeating: 0xff, count: control.layout.slotByteCount)
      NetSlot.put(request, into: &bytes)
      put(bytes, into: control)
    }
    control.pages.storeReleasing(control.produced, at: RingLayout.requestProducerOffset)
    if generator.chance(percent: 90) { machine.send(control.port, of: domain) }
  }

  private func put(_ bytes: [UInt8], into ring: Ring) {
    // SAFETY: the raw bytes of initialised integers.
    ring.pages.copyIn(
      unsafe bytes.span.bytes, to: ring.layout.slotOffset(of: RingIndex(rawValue: ring.produced)))
    ring.produced &+= 1
  }
}
