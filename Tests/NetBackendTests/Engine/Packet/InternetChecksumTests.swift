import RingTransport
import SimulatedXen
import Testing

@testable import NetBackend

struct InternetChecksumTests {
  /// RFC 1071, section 3.
  @Test func example() {
    let bytes: [UInt8] = [0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7]
    var checksum = InternetChecksum()
    checksum.add(unsafe bytes.span.bytes)
    #expect(checksum.sum == 0xddf2)
    #expect(checksum.checksum == 0x220d)
  }

  /// Of any size and alignment, in one piece or several: what two bytes at a time give.
  @Test(arguments: testSeedGroups(count: 500))
  func againstTheLongWay(seeds: [UInt64]) {
    for seed in seeds {
      var generator = SeededGenerator(seed: seed)
      let count = Int.random(in: 0...200, using: &generator)
      let isDark = generator.chance(percent: 20)
      let bytes = isDark ? [UInt8](repeating: 0xff, count: count) : .random(count, &generator)
      var expected = 0
      for index in bytes.indices {
        expected += Int(bytes[index]) << (index % 2 == 0 ? 8 : 0)
      }
      while expected > 0xffff { expected = expected >> 16 + expected & 0xffff }
      let cut = Int.random(in: 0...count / 2, using: &generator) * 2
      var checksum = InternetChecksum()
      let span = unsafe bytes.span.bytes
      checksum.add(span.extracting(0..<cut))
      checksum.add(span.extracting(cut..<count))
      #expect(Int(checksum.sum) == expected, "seed \(seed)")
    }
  }

  @Test func carriesAreNotLost() {
    let bytes = [UInt8](repeating: 0xff, count: 65_528)
    var checksum = InternetChecksum()
    for _ in 0..<8 { checksum.add(unsafe bytes.span.bytes) }
    #expect(checksum.sum == 0xffff)
    checksum.add(1)
    #expect(checksum.sum == 1)
    #expect(InternetChecksum().sum == 0)
  }

  @Test(arguments: testSeedGroups(count: 300))
  func wholeFrames(seeds: [UInt64]) throws {
    for seed in seeds {
      var generator = SeededGenerator(seed: seed)
      let frame = TestFrame(&generator)
      let finished = ~frame.naiveSum(pseudoHeaderOnly: false)
      let expected = finished == 0 ? 0xffff : finished

      var filled = frame.bytes
      let headers = try FrameHeaders(unsafe filled.span.bytes)
      #expect(filled.asFrame { InternetChecksum.fill(in: &$0, headers) })
      #expect(filled.number(at: frame.checksumPosition) == expected, "seed \(seed)")

      var blank = frame.bytes
      #expect(blank.asFrame { InternetChecksum.storePseudoHeader(in: &$0, headers) })
      let sum = frame.naiveSum(pseudoHeaderOnly: true)
      #expect(blank.number(at: frame.checksumPosition) == sum, "seed \(seed)")
      let isFinished = blank.asFrame {
        InternetChecksum.finish(
          in: &$0, start: frame.transportOffset,
          offset: frame.checksumPosition - frame.transportOffset)
      }
      #expect(isFinished)
      #expect(blank == filled, "seed \(seed): nothing else has changed")
    }
  }

  /// Bytes behind the IP packet are not part of it.
  @Test func paddingDoesNotCount() throws {
    var frame = TestFrame()
    frame.transport = .udp
    frame.payload = [1, 2, 3]
    var short = frame.bytes
    var long = frame.bytes + [0xde, 0xad, 0xbe, 0xef, 0x11]
    let headers = try FrameHeaders(unsafe long.span.bytes)
    #expect(short.asFrame { InternetChecksum.fill(in: &$0, headers) })
    #expect(long.asFrame { InternetChecksum.fill(in: &$0, headers) })
    #expect(Array(long.prefix(short.count)) == short)
  }

  /// A place outside the frame is no place.
  @Test func placesOutside() {
    let bytes = [UInt8](repeating: 7, count: 20)
    for (start, offset) in [
      (19, 0), (20, 0), (21, 0), (0, 19), (0, 20), (10, 9), (18, 1), (Int.max, Int.max),
      (0, Int.max), (Int.max, 0), (-1, 0), (0, -1), (65_535, 65_535),
    ] {
      var copy = bytes
      let result = copy.asFrame { InternetChecksum.finish(in: &$0, start: start, offset: offset) }
      #expect(!result)
      #expect(copy == bytes)
    }
    var copy = bytes
    #expect(copy.asFrame { InternetChecksum.finish(in: &$0, start: 18, offset: 0) })
    var empty: [UInt8] = []
    #expect(!empty.asFrame { InternetChecksum.finish(in: &$0, start: 0, offset: 0) })
  }

  @Test func zeroIsNotSent() {
    var bytes: [UInt8] = [0, 0, 0xff, 0xff]
    #expect(bytes.asFrame { InternetChecksum.finish(in: &$0, start: 0, offset: 0) })
    #expect(bytes == [0xff, 0xff, 0xff, 0xff])
  }
}
