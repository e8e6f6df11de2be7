import RingTransport
import SimulatedXen
import Testing

@testable import NetBackend

struct FrameHeadersTests {
  private func parse(_ bytes: [UInt8]) throws(FrameError) -> FrameHeaders {
    try FrameHeaders(unsafe bytes.span.bytes)
  }

  @Test(arguments: testSeedGroups(count: 500))
  func framesOfEveryKind(seeds: [UInt64]) throws {
    for seed in seeds {
      var generator = SeededGenerator(seed: seed)
      var frame = TestFrame(&generator)
      frame.padding = Int.random(in: 0...40, using: &generator)
      let headers = try parse(frame.bytes)
      #expect(headers.network == (frame.network == .ipv4 ? .ipv4 : .ipv6), "seed \(seed)")
      #expect(headers.transport == (frame.transport == .tcp ? .tcp : .udp), "seed \(seed)")
      #expect(headers.networkOffset == frame.networkOffset, "seed \(seed)")
      #expect(headers.transportOffset == frame.transportOffset, "seed \(seed)")
      #expect(headers.transportHeaderByteCount == frame.transportHeaderByteCount, "seed \(seed)")
      #expect(headers.transportByteCount == frame.transportByteCount, "seed \(seed)")
      #expect(!headers.isFragment, "seed \(seed)")
      let byteCount = headers.transportOffset + headers.transportByteCount
      #expect(size(frame.bytes) == byteCount, "seed \(seed)")
    }
  }

  /// Of a frame whose end nobody has noted, its headers know it, or nothing does.
  @Test func sizes() {
    var address = [UInt8](repeating: 2, count: 12) + [8, 6] + [UInt8](repeating: 1, count: 100)
    #expect(size(address) == 42)
    address.replaceSubrange(12..<14, with: [0x88, 0xb5])
    #expect(size(address) == nil)
    #expect(size([UInt8](repeating: 2, count: 12) + [8, 0, 0x45, 0, 0]) == nil)
  }

  private func size(_ bytes: [UInt8]) -> Int? {
    // SAFETY: the raw bytes of initialised integers.
    FrameHeaders.frameByteCount(unsafe bytes.span.bytes)
  }

  /// Cut off anywhere in its headers, a frame is refused; behind them, it is not.
  @Test(arguments: testSeedGroups(count: 50, groupSize: 10))
  func prefixes(seeds: [UInt64]) {
    for seed in seeds {
      var generator = SeededGenerator(seed: seed)
      let frame = TestFrame(&generator, largestPayload: 20)
      let bytes = frame.bytes
      let headersEnd = frame.transportOffset + frame.transportHeaderByteCount
      for count in 0...bytes.count {
        let prefix = Array(bytes.prefix(count))
        if count < headersEnd {
          #expect(throws: FrameError.truncated, "seed \(seed), \(count)") { try parse(prefix) }
        } else {
          #expect((try? parse(prefix))?.headerByteCount == headersEnd, "seed \(seed), \(count)")
        }
      }
    }
  }

  /// Whatever the bytes, no trap, and all that is said lies in the frame.
  @Test(arguments: testSeedGroups(count: 3000, groupSize: 500))
  func hostileFrames(seeds: [UInt64]) {
    var parsed = 0
    for seed in seeds {
      var generator = SeededGenerator(seed: seed)
      var bytes = TestFrame(&generator, largestPayload: 60).bytes
      for _ in 0..<Int.random(in: 1...6, using: &generator) {
        let position = Int.random(in: 0..<min(bytes.count, 90), using: &generator)
        bytes[position] = UInt8(truncatingIfNeeded: generator.next())
      }
      if generator.chance(percent: 30) {
        bytes.removeLast(Int.random(in: 0...bytes.count, using: &generator))
      }
      guard let headers = try? parse(bytes) else { continue }
      parsed += 1
      let count = bytes.count
      guard headers.networkOffset >= 14, headers.networkOffset <= headers.transportOffset,
        headers.headerByteCount <= count, headers.transportByteCount >= 0,
        headers.transportHeaderByteCount <= headers.transportByteCount,
        headers.transportOffset + headers.transportByteCount <= count,
        headers.network != .other || headers.transport == .other,
        headers.transport != .tcp || headers.transportHeaderByteCount >= 20,
        headers.transport != .udp || headers.transportHeaderByteCount == 8,
        !headers.isFragment || headers.transport == .other
      else {
        Issue.record("seed \(seed): \(headers) of \(count) bytes")
        return
      }
    }
    #expect(parsed > seeds.count / 20, "the fuzzer gets behind the first checks")
  }

  @Test func fragmentsHaveNoTransportHeader() throws {
    for field in [UInt16(0x2000), 0x0001, 0x3fff] {
      var frame = TestFrame()
      frame.fragmentField = field
      let headers = try parse(frame.bytes)
      #expect(headers.isFragment)
      #expect(headers.transport == .other)
      frame.network = .ipv6
      frame.fragmentField = field == 0x2000 ? 1 : field << 3
      let other = try parse(frame.bytes)
      #expect(other.isFragment)
      #expect(other.transport == .other)
      #expect(other.transportOffset == frame.transportOffset)
    }
  }

  /// A fragment header that says "all of it" (RFC 6946), and the reserved bits.
  @Test func atomicFragments() throws {
    var frame = TestFrame()
    frame.network = .ipv6
    frame.fragmentField = 6
    let headers = try parse(frame.bytes)
    #expect(!headers.isFragment)
    #expect(headers.transport == .tcp)
  }

  @Test func extensionsAreBounded() throws {
    var frame = TestFrame()
    frame.network = .ipv6
    frame.extensions = [(60, 0)] * FrameHeaders.largestExtensionCount
    #expect(try parse(frame.bytes).transport == .tcp)
    frame.extensions += [(60, 0)]
    #expect(throws: FrameError.tooManyExtensions) { try parse(frame.bytes) }
  }

  @Test func otherTypesAreNoFailure() throws {
    var bytes = [UInt8](repeating: 0xff, count: 14)
    #expect(try parse(bytes).network == .other)
    // ARP.
    (bytes[12], bytes[13]) = (0x08, 0x06)
    #expect(try parse(bytes).etherType == 0x0806)
    // A third tag is not looked behind.
    let tags: [UInt8] = [0x81, 0, 0, 0, 0x81, 0, 0, 0, 0x81, 0, 0, 0, 8, 0]
    let headers = try parse(Array(bytes.prefix(12)) + tags)
    #expect(headers.network == .other)
    #expect(headers.networkOffset == 22)
  }

  @Test func contradictions() {
    let offset = TestFrame().networkOffset
    expectFailure(.wrongVersion) { $0[offset] = 0x65 }
    expectFailure(.wrongLength) { $0[offset] = 0x44 }
    // The packet ends inside its header, or inside TCP's.
    expectFailure(.wrongLength) { ($0[offset + 2], $0[offset + 3]) = (0, 19) }
    expectFailure(.truncated) { ($0[offset + 2], $0[offset + 3]) = (0, 39) }
    expectFailure(.wrongLength) { $0[offset + 20 + 12] = 0x40 }
    expectFailure(.truncated) { $0[offset + 20 + 12] = 0xf0 }
  }

  private func expectFailure(
    _ error: FrameError, at location: SourceLocation = #_sourceLocation,
    _ change: (inout [UInt8]) -> Void
  ) {
    var bytes = TestFrame().bytes
    change(&bytes)
    #expect(throws: error, sourceLocation: location) { try parse(bytes) }
  }

  /// A total length of zero is what segmentation hardware is given; the frame's own size counts.
  @Test func lengthOfZero() throws {
    var bytes = TestFrame().bytes
    (bytes[16], bytes[17]) = (0, 0)
    #expect(try parse(bytes).transportByteCount == 20)
  }
}

private func * <Element>(array: [Element], count: Int) -> [Element] {
  (0..<count).flatMap { _ in array }
}
