import SimulatedXen

/// Frames as hosts send them, with random contents, and what a parser must find in them.
///
/// Checksums that are not blank are left wrong: nobody on the way may look at them.
package struct FrameBuilder {
  /// A packet, and where its transport header is.
  package struct Frame: Hashable, Sendable {
    /// The packet.
    package var packet: NetPacket
    /// Where the transport header starts, in bytes from the start of the frame; nil without one.
    package var transportOffset: Int?
    /// Where its checksum is, in bytes from its start.
    package var checksumOffset: Int?
    /// Bytes of all headers; a segment's payload starts there.
    package var headerByteCount: Int
  }

  /// Protocols of frames.
  package enum Kind: CaseIterable, Sendable {
    case arp
    case udp4
    case tcp4
    case udp6
    case tcp6
    /// An IPv4 packet of a protocol that nobody knows.
    case other4
    /// No protocol that anybody knows.
    case unknown

    /// Bytes of the headers with all options.
    var smallestByteCount: Int {
      switch self {
      case .unknown: 14
      case .arp, .other4: 46
      case .udp4, .tcp4: 14 + 4 + 24 + 20
      case .udp6, .tcp6: 14 + 4 + 40 + 8 + 20
      }
    }
  }

  /// Where frames go.
  package var destination: [UInt8] = [0x02, 0, 0, 0, 0, 0x01]
  /// Where they come from.
  package var source: [UInt8] = [0x00, 0x16, 0x3e, 0, 0, 0x02]
  private var generator: SeededGenerator

  /// A builder; equal seeds give equal frames.
  package init(seed: UInt64) {
    generator = SeededGenerator(seed: seed)
  }

  /// A frame that any network device may send or receive with these features.
  ///
  /// - Parameter byteCountMax: of the frame, at least 60.
  package mutating func any(
    _ features: GuestFeatures, byteCountMax: Int = 65535
  ) -> Frame {
    let kind = Kind.allCases.randomElement(using: &generator) ?? .udp4
    let largest = features.scatterGather ? byteCountMax : min(byteCountMax, 1514)
    let sizes = [60...128, 60...1514, 1400...9000, 60...largest, largest...largest]
    let range = sizes.randomElement(using: &generator) ?? 60...128
    let clamped = min(range.lowerBound, largest)...min(range.upperBound, largest)
    var frame = build(kind, byteCount: .random(in: clamped, using: &generator))
    let isVersion6 = kind == .udp6 || kind == .tcp6
    let mayBeBlank = isVersion6 ? features.checksum6 : features.checksum4
    if frame.checksumOffset != nil, mayBeBlank, generator.chance(percent: 50) {
      frame.packet.checksum = .blank
    } else if generator.chance(percent: 50) {
      frame.packet.checksum = .validated
    }
    let maySegment = kind == .tcp4 ? features.segmentation4 : features.segmentation6
    // What fits into one segment needs no cutting.
    let payload = frame.packet.bytes.count - frame.headerByteCount
    if kind == .tcp4 || kind == .tcp6, maySegment, frame.packet.checksum == .blank, payload > 64,
      frame.packet.bytes.count > 1514 || generator.chance(percent: 10)
    {
      let size = UInt16.random(in: 64...UInt16(min(1460, payload - 1)), using: &generator)
      frame.packet.segmentation = .init(isVersion6: isVersion6, byteCount: size)
    }
    return frame
  }

  /// A frame of one kind, with random options and contents.
  ///
  /// - Parameter byteCount: of the frame; it becomes longer where its headers need it.
  package mutating func build(
    _ kind: Kind, byteCount: Int, hasTag: Bool? = nil
  ) -> Frame {
    let byteCount = max(byteCount, kind.smallestByteCount)
    var bytes = destination + source
    if hasTag ?? generator.chance(percent: 10) { bytes += [0x81, 0x00, 0x00, 0x07] }
    var frame = Frame(packet: NetPacket([]), headerByteCount: 0)
    switch kind {
    case .arp:
      bytes += [0x08, 0x06, 0, 1, 8, 0, 6, 4, 0, 1] + random(20)
    case .unknown:
      bytes += [0x88, 0xb5]
    case .other4:
      appendVersion4(&bytes, next: 253, byteCount: byteCount)
    case .udp4, .tcp4:
      appendVersion4(&bytes, next: kind == .udp4 ? 17 : 6, byteCount: byteCount)
      appendTransport(&bytes, isDatagram: kind == .udp4, byteCount: byteCount, &frame)
    case .udp6, .tcp6:
      appendVersion6(&bytes, next: kind == .udp6 ? 17 : 6, byteCount: byteCount)
      appendTransport(&bytes, isDatagram: kind == .udp6, byteCount: byteCount, &frame)
    }
    frame.headerByteCount = bytes.count
    bytes += random(max(0, byteCount - bytes.count))
    frame.packet.bytes = bytes
    return frame
  }

  private mutating func appendVersion4(
    _ bytes: inout [UInt8], next: UInt8, byteCount: Int
  ) {
    let optionByteCount = generator.chance(percent: 20) ? 4 : 0
    bytes += [0x08, 0x00]
    let total = UInt16(clamping: byteCount - bytes.count)
    bytes += [0x45 + UInt8(optionByteCount / 4), 0] + big(total)
    // No fragment, 64 hops.
    bytes += random(2) + [0x40, 0, 64, next] + random(2 + 8)
    bytes += [UInt8](repeating: 1, count: optionByteCount)
  }

  private mutating func appendVersion6(
    _ bytes: inout [UInt8], next: UInt8, byteCount: Int
  ) {
    let hasExtension = generator.chance(percent: 20)
    bytes += [0x86, 0xdd]
    let payload = UInt16(clamping: byteCount - bytes.count - 40)
    bytes += [0x60, 0, 0, 0] + big(payload) + [hasExtension ? 60 : next, 64] + random(32)
    // Options for the destination: padding.
    if hasExtension { bytes += [next, 0, 1, 4, 0, 0, 0, 0] }
  }

  private mutating func appendTransport(
    _ bytes: inout [UInt8], isDatagram: Bool, byteCount: Int, _ frame: inout Frame
  ) {
    frame.transportOffset = bytes.count
    frame.checksumOffset = isDatagram ? 6 : 16
    if isDatagram {
      bytes += random(4) + big(UInt16(clamping: max(8, byteCount - bytes.count))) + random(2)
    } else {
      // Data offset 5, ACK.
      bytes += random(12) + [0x50, 0x10] + random(2) + random(2) + [0, 0]
    }
  }

  private func big(_ value: UInt16) -> [UInt8] { [UInt8(value >> 8), UInt8(value & 0xff)] }

  private mutating func random(_ count: Int) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(count + 8)
    while bytes.count < count {
      let word = generator.next()
      for shift in 0..<8 { bytes.append(UInt8(truncatingIfNeeded: word >> UInt64(shift * 8))) }
    }
    bytes.removeLast(bytes.count - count)
    return bytes
  }
}
