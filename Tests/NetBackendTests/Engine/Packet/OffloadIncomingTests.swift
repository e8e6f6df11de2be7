import RingTransport
import SimulatedXen
import Testing

@testable import NetBackend

/// What Linux says about packets, for a guest.
struct OffloadIncomingTests {
  typealias Features = Offload.GuestFeatures

  private static let everything: Features = [
    .scatterGather, .segmentationOverIPv4, .segmentationOverIPv6, .checksumOverIPv4,
    .checksumOverIPv6,
  ]

  /// Goes out of one guest and into another: it arrives as it was sent.
  @Test(arguments: testSeedGroups(count: 200))
  func fromGuestToGuest(seeds: [UInt64]) throws {
    for seed in seeds {
      var generator = SeededGenerator(seed: seed)
      let frame = TestFrame(&generator, largestPayload: 3000)
      var bytes = try blank(frame)
      let before = bytes
      let size = UInt16.random(in: 8...2000, using: &generator)
      let isSegmented = frame.transport == .tcp && frame.payload.count > Int(size)
      let type: UInt8 = frame.network == .ipv4 ? 1 : 2
      let header = try bytes.asFrame { frame throws(OffloadRefusal) in
        try Offload.outgoing(
          &frame, flags: .checksumBlank,
          segmentation: isSegmented ? .init(size: size, type: type) : nil)
      }
      let announcement = try incoming(&bytes, header, Self.everything)
      #expect(bytes == before, "seed \(seed)")
      #expect(announcement.flags == [.checksumBlank, .dataValidated])
      #expect(announcement.segmentation?.byteCount == (isSegmented ? size : nil), "seed \(seed)")
      #expect(announcement.segmentation?.type.rawValue == (isSegmented ? type : nil))
    }
  }

  /// A guest that does not take unfinished checksums gets finished ones.
  @Test(arguments: testSeedGroups(count: 200))
  func finishedInSoftware(seeds: [UInt64]) throws {
    for seed in seeds {
      var generator = SeededGenerator(seed: seed)
      let frame = TestFrame(&generator)
      var expected = frame.bytes
      let headers = try FrameHeaders(unsafe expected.span.bytes)
      #expect(expected.asFrame { InternetChecksum.fill(in: &$0, headers) })
      var bytes = try blank(frame)
      var features = Self.everything
      features.remove(frame.network == .ipv4 ? .checksumOverIPv4 : .checksumOverIPv6)
      let announcement = try incoming(&bytes, checksumHeader(frame), features)
      #expect(announcement.flags == [])
      #expect(bytes == expected, "seed \(seed)")
    }
  }

  /// A guest looks for the checksum where the headers put it. One that is elsewhere, as inside a
  /// tunnel or for SCTP, it would not find.
  @Test func finishedWhereTheGuestWouldNotLook() throws {
    var frame = TestFrame()
    frame.transport = .udp
    frame.payload = [UInt8](repeating: 3, count: 100)
    var header = checksumHeader(frame)
    header.checksumStart += 40
    header.checksumOffset = 16
    var bytes = frame.bytes
    var expected = bytes
    let place = (start: Int(header.checksumStart), offset: 16)
    #expect(
      expected.asFrame {
        InternetChecksum.finish(in: &$0, start: place.start, offset: place.offset)
      })
    #expect(try incoming(&bytes, header, Self.everything).flags == [])
    #expect(bytes == expected)
  }

  @Test func validated() throws {
    var header = VirtualNetworkHeader()
    var bytes = TestFrame().bytes
    #expect(try incoming(&bytes, header, []) == Offload.Announcement())
    header.flags = .dataValid
    #expect(try incoming(&bytes, header, []).flags == .dataValidated)
    #expect(bytes == TestFrame().bytes)
  }

  /// What a guest does not take, it does not get.
  @Test func missingFeatures() throws {
    for network in TestFrame.Network.allCases {
      var frame = TestFrame()
      frame.network = network
      frame.payload = [UInt8](repeating: 1, count: 3000)
      let header = segmentHeader(frame)
      let needed: [Features] =
        network == .ipv4
        ? [.scatterGather, .segmentationOverIPv4, .checksumOverIPv4]
        : [.scatterGather, .segmentationOverIPv6, .checksumOverIPv6]
      for feature in needed {
        var bytes = try blank(frame)
        #expect(throws: OffloadRefusal.featureMissing) {
          try incoming(&bytes, header, Self.everything.subtracting(feature))
        }
      }
      var bytes = try blank(frame)
      #expect(
        try incoming(&bytes, header, Features(needed)).segmentation?.extra
          == .segmentation(size: 1000, type: network == .ipv4 ? 1 : 2, features: 0))
    }
    var large = [UInt8](repeating: 0xff, count: 4097)
    let plain = VirtualNetworkHeader()
    #expect(throws: OffloadRefusal.featureMissing) { try incoming(&large, plain, []) }
    large.removeLast()
    #expect(try incoming(&large, plain, []).flags == [])
  }

  @Test func segmentsOfNoSense() throws {
    var frame = TestFrame()
    frame.payload = [UInt8](repeating: 1, count: 3000)
    var bytes = try blank(frame)
    var header = segmentHeader(frame)
    header.segmentByteCount = 0
    expectRefusal(.segmentSize(0), bytes, header)
    header.segmentByteCount = 1000
    header.flags = []
    expectRefusal(.noChecksum, bytes, header)
    header.flags = .needsChecksum
    for kind in [2, 3, 4, 5, 6, 0x80, 0x83, 0x84, 127] as [UInt8] {
      header.segmentation = .init(rawValue: kind)
      expectRefusal(.segmentationType(kind), bytes, header)
    }
    // One segment holds it: nothing to cut.
    header.segmentation = .tcpOverIPv4
    header.segmentByteCount = 3000
    let announcement = try incoming(&bytes, header, Self.everything)
    #expect(announcement.segmentation == nil)
    #expect(announcement.flags == [.checksumBlank, .dataValidated])
  }

  /// Whatever the header says, no trap.
  @Test(arguments: testSeedGroups(count: 3000, groupSize: 500))
  func anyHeader(seeds: [UInt64]) {
    var accepted = 0
    for seed in seeds {
      var generator = SeededGenerator(seed: seed)
      var bytes = TestFrame(&generator, largestPayload: 60).bytes
      if generator.chance(percent: 20) {
        bytes.removeLast(Int.random(in: 0...bytes.count, using: &generator))
      }
      var random = [UInt8].random(VirtualNetworkHeader.byteCount, &generator)
      random[0] &= 3
      if generator.chance(percent: 70) { random[1] = [0, 0, 1, 4][Int(random[1] % 4)] }
      if generator.chance(percent: 70) { (random[5], random[7], random[9]) = (0, 0, 0) }
      let features = Features(rawValue: UInt8(truncatingIfNeeded: generator.next()))
      let header = VirtualNetworkHeader(unsafe random.span.bytes)
      if (try? incoming(&bytes, header, features)) != nil { accepted += 1 }
    }
    #expect(accepted > seeds.count / 10)
  }

  private func blank(_ frame: TestFrame) throws -> [UInt8] {
    var bytes = frame.bytes
    let headers = try FrameHeaders(unsafe bytes.span.bytes)
    #expect(bytes.asFrame { InternetChecksum.storePseudoHeader(in: &$0, headers) })
    return bytes
  }

  private func checksumHeader(_ frame: TestFrame) -> VirtualNetworkHeader {
    var header = VirtualNetworkHeader()
    header.flags = .needsChecksum
    header.checksumStart = UInt16(frame.transportOffset)
    header.checksumOffset = UInt16(frame.checksumPosition - frame.transportOffset)
    return header
  }

  private func segmentHeader(_ frame: TestFrame) -> VirtualNetworkHeader {
    var header = checksumHeader(frame)
    header.segmentation = frame.network == .ipv4 ? .tcpOverIPv4 : .tcpOverIPv6
    header.segmentByteCount = 1000
    return header
  }

  private func expectRefusal(
    _ refusal: OffloadRefusal, _ bytes: [UInt8], _ header: VirtualNetworkHeader,
    at location: SourceLocation = #_sourceLocation
  ) {
    var bytes = bytes
    #expect(throws: refusal, sourceLocation: location) {
      try incoming(&bytes, header, Self.everything)
    }
  }

  private func incoming(
    _ bytes: inout [UInt8], _ header: VirtualNetworkHeader, _ features: Features
  ) throws(OffloadRefusal) -> Offload.Announcement {
    var elements = bytes.mutableSpan
    var frame = unsafe elements.mutableBytes
    return try Offload.incoming(&frame, header: header, features: features)
  }
}
