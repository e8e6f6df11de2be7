import RingTransport
import SimulatedXen
import Testing

@testable import NetBackend

/// What a guest says about its packets, for Linux.
struct OffloadTests {
  typealias Flags = NetTransmitRequest.Flags

  /// What Linux would finish is what a guest would have calculated itself.
  @Test(arguments: testSeedGroups(count: 300))
  func blankChecksums(seeds: [UInt64]) throws {
    for seed in seeds {
      var generator = SeededGenerator(seed: seed)
      let frame = TestFrame(&generator)
      var expected = frame.bytes
      let headers = try FrameHeaders(unsafe expected.span.bytes)
      #expect(expected.asFrame { InternetChecksum.fill(in: &$0, headers) })
      var bytes = frame.bytes
      #expect(bytes.asFrame { InternetChecksum.storePseudoHeader(in: &$0, headers) })
      let before = bytes
      let header = try outgoing(&bytes, [.checksumBlank, .dataValidated], nil)
      #expect(bytes == before, "seed \(seed): Linux finishes it")
      #expect(header.flags == .needsChecksum)
      #expect(header.segmentation == .none)
      let isFinished = bytes.asFrame {
        InternetChecksum.finish(
          in: &$0, start: Int(header.checksumStart), offset: Int(header.checksumOffset))
      }
      #expect(isFinished)
      #expect(bytes == expected, "seed \(seed)")
    }
  }

  @Test func nothingToDo() throws {
    var bytes = TestFrame().bytes
    #expect(try outgoing(&bytes, [], nil) == VirtualNetworkHeader())
    let header = try outgoing(&bytes, .dataValidated, nil)
    #expect(header.flags == .dataValid)
    #expect(header.checksumStart == 0)
    // Frames that nobody understands go as they are, if nothing is to be done to them.
    var other = [UInt8](repeating: 0x45, count: 14)
    #expect(try outgoing(&other, [.moreData, .extraInfo], nil) == VirtualNetworkHeader())
    #expect(bytes == TestFrame().bytes)
  }

  @Test(arguments: testSeedGroups(count: 200), [true, false])
  func segments(seeds: [UInt64], isBlank: Bool) throws {
    for seed in seeds {
      var generator = SeededGenerator(seed: seed)
      var frame = TestFrame(&generator, largestPayload: 5000)
      frame.transport = .tcp
      frame.tcpFlags = UInt8(truncatingIfNeeded: generator.next())
      let size = UInt16.random(in: 8...2000, using: &generator)
      var bytes = frame.bytes
      if isBlank {
        let headers = try FrameHeaders(unsafe bytes.span.bytes)
        #expect(bytes.asFrame { InternetChecksum.storePseudoHeader(in: &$0, headers) })
      }
      let type: UInt8 = frame.network == .ipv4 ? 1 : 2
      let header = try outgoing(
        &bytes, isBlank ? .checksumBlank : [], .init(size: size, type: type))
      // A frontend may have forgotten the flag; the checksum is what segments start from.
      let sum = frame.naiveSum(pseudoHeaderOnly: true)
      #expect(bytes.number(at: frame.checksumPosition) == sum, "seed \(seed)")
      #expect(header.flags == .needsChecksum)
      #expect(Int(header.checksumStart) == frame.transportOffset)
      #expect(header.checksumOffset == 16)
      guard frame.payload.count > Int(size) else {
        #expect(header.segmentation == .none, "seed \(seed): one segment holds it")
        #expect(header.segmentByteCount == 0)
        continue
      }
      let kind: VirtualNetworkHeader.Segmentation =
        frame.network == .ipv4 ? .tcpOverIPv4 : .tcpOverIPv6
      #expect(header.segmentation.kind == kind, "seed \(seed)")
      #expect((header.segmentation.rawValue & 0x80 != 0) == (frame.tcpFlags & 0x80 != 0))
      #expect(header.segmentByteCount == size)
      #expect(Int(header.headerByteCount) == frame.transportOffset + frame.transportHeaderByteCount)
    }
  }

  @Test func segmentsOfNoSense() {
    var frame = TestFrame()
    frame.payload = [UInt8](repeating: 1, count: 100)
    for size in [UInt16(0), 1, 7] {
      expectRefusal(.segmentSize(size), frame, .checksumBlank, .init(size: size, type: 1))
    }
    for type in [UInt8(0), 2, 3, 4, 255] {
      expectRefusal(
        .segmentationType(type), frame, .checksumBlank, .init(size: 50, type: type))
    }
    frame.network = .ipv6
    expectRefusal(.segmentationType(1), frame, .checksumBlank, .init(size: 50, type: 1))
    frame.transport = .udp
    expectRefusal(.segmentationType(2), frame, .checksumBlank, .init(size: 50, type: 2))
    frame.transport = .icmp
    expectRefusal(.noChecksum, frame, [], .init(size: 50, type: 2))
  }

  @Test func checksumsThatAreNone() {
    var frame = TestFrame()
    frame.transport = .icmp
    frame.payload = [UInt8](repeating: 1, count: 100)
    expectRefusal(.noChecksum, frame, .checksumBlank, nil)
    frame.transport = .tcp
    frame.fragmentField = 0x2000
    expectRefusal(.noChecksum, frame, .checksumBlank, nil)
    var arp = [UInt8](repeating: 0xff, count: 12) + [8, 6] + [UInt8](repeating: 0, count: 28)
    #expect(throws: OffloadRefusal.noChecksum) { try outgoing(&arp, .checksumBlank, nil) }
    var short = Array(TestFrame().bytes.prefix(40))
    #expect(throws: OffloadRefusal.headers(.truncated)) {
      try outgoing(&short, .checksumBlank, nil)
    }
  }

  /// Whatever the bytes, no trap, and what Linux is told lies in the frame.
  @Test(arguments: testSeedGroups(count: 3000, groupSize: 500))
  func hostilePackets(seeds: [UInt64]) {
    var accepted = 0
    for seed in seeds {
      var generator = SeededGenerator(seed: seed)
      var bytes = TestFrame(&generator, largestPayload: 60).bytes
      for _ in 0..<Int.random(in: 0...4, using: &generator) {
        let position = Int.random(in: 0..<min(bytes.count, 90), using: &generator)
        bytes[position] = UInt8(truncatingIfNeeded: generator.next())
      }
      if generator.chance(percent: 20) {
        bytes.removeLast(Int.random(in: 0...bytes.count, using: &generator))
      }
      let request = Offload.SegmentationRequest(
        size: UInt16.random(in: 0...100, using: &generator),
        type: .random(in: 0...3, using: &generator))
      let flags = Flags(rawValue: UInt16(truncatingIfNeeded: generator.next()))
      let wanted = generator.chance(percent: 50) ? request : nil
      guard let header = try? outgoing(&bytes, flags, wanted) else { continue }
      accepted += 1
      let needsChecksum = header.flags.contains(.needsChecksum)
      let end = Int(header.checksumStart) + Int(header.checksumOffset) + 2
      guard !needsChecksum || end <= bytes.count,
        Int(header.headerByteCount) <= bytes.count,
        header.segmentation == .none || needsChecksum && header.segmentByteCount >= 8
      else {
        Issue.record("seed \(seed): \(header) of \(bytes.count) bytes")
        return
      }
    }
    #expect(accepted > seeds.count / 20)
  }

  private func expectRefusal(
    _ refusal: OffloadRefusal, _ frame: TestFrame, _ flags: Flags,
    _ segmentation: Offload.SegmentationRequest?, at location: SourceLocation = #_sourceLocation
  ) {
    var bytes = frame.bytes
    #expect(throws: refusal, sourceLocation: location) {
      try outgoing(&bytes, flags, segmentation)
    }
  }

  private func outgoing(
    _ bytes: inout [UInt8], _ flags: Flags, _ segmentation: Offload.SegmentationRequest?
  ) throws(OffloadRefusal) -> VirtualNetworkHeader {
    var elements = bytes.mutableSpan
    var frame = unsafe elements.mutableBytes
    return try Offload.outgoing(&frame, flags: flags, segmentation: segmentation)
  }
}
