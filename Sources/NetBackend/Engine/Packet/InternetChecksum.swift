import RingTransport

/// The one's complement sum of 16-bit words that IP, TCP and UDP are protected with (RFC 1071).
///
/// The sum is formed of little-endian words and swapped at the end: the order of the bytes changes
/// the result's order only.
struct InternetChecksum: Sendable {
  private var accumulator: UInt64 = 0

  /// The sum of nothing.
  init() {}

  /// Adds bytes. An odd number of them is filled up with a zero, so only the last may be odd.
  mutating func add(_ bytes: RawSpan) {
    let byteCount = bytes.byteCount
    var offset = 0
    while byteCount - offset >= 8 {
      add(word: bytes.load(UInt64.self, at: offset))
      offset += 8
    }
    if byteCount - offset >= 4 {
      add(word: UInt64(bytes.load(UInt32.self, at: offset)))
      offset += 4
    }
    if byteCount - offset >= 2 {
      add(word: UInt64(bytes.load(UInt16.self, at: offset)))
      offset += 2
    }
    if byteCount > offset { add(word: UInt64(bytes.load(UInt8.self, at: offset))) }
  }

  /// Adds a number as if it stood there in the order of the network.
  mutating func add(_ number: UInt16) {
    add(word: UInt64(number.byteSwapped))
  }

  private mutating func add(word: UInt64) {
    let (sum, carries) = accumulator.addingReportingOverflow(word)
    accumulator = sum &+ (carries ? 1 : 0)
  }

  /// The sum: what a packet carries whose checksum is still to be finished.
  var sum: UInt16 {
    var folded = (accumulator >> 32) + (accumulator & 0xffff_ffff)
    folded = (folded >> 32) + (folded & 0xffff_ffff)
    folded = (folded >> 16) + (folded & 0xffff)
    folded = (folded >> 16) + (folded & 0xffff)
    folded = (folded >> 16) + (folded & 0xffff)
    return UInt16(truncatingIfNeeded: folded).byteSwapped
  }

  /// What a finished packet carries: the complement, never zero, which for UDP would say that there
  /// is no checksum. Its other form means the same to TCP.
  var checksum: UInt16 {
    let complement = ~sum
    return complement == 0 ? 0xffff : complement
  }
}

/// Checksums of whole frames.
extension InternetChecksum {
  /// The sum of the pseudo header of a TCP or UDP packet: addresses, protocol and size.
  ///
  /// - Parameter byteCount: size of the transport header and its data.
  init(pseudoHeaderOf headers: FrameHeaders, in frame: RawSpan, byteCount: Int) {
    let start = headers.networkOffset
    switch headers.network {
    case .ipv4: add(frame.extracting(start + 12..<start + 20))
    case .ipv6: add(frame.extracting(start + 8..<start + 40))
    case .other: break
    }
    add(UInt16(headers.protocolNumber))
    add(UInt16(truncatingIfNeeded: byteCount >> 16))
    add(UInt16(truncatingIfNeeded: byteCount))
  }

  /// Finishes a checksum that holds the sum of the pseudo header, as hardware would: over
  /// everything from `start` to the frame's end, stored at `offset` behind `start`.
  ///
  /// - Returns: false, with nothing changed, when there is no such place in the frame.
  static func finish(in frame: inout MutableRawSpan, start: Int, offset: Int) -> Bool {
    guard start >= 0, offset >= 0, start <= frame.byteCount - 2,
      offset <= frame.byteCount - 2 - start
    else { return false }
    var checksum = InternetChecksum()
    checksum.add(frame.bytes.extracting(start..<frame.byteCount))
    frame.store(checksum.checksum.byteSwapped, at: start + offset)
    return true
  }

  /// Puts the sum of the pseudo header where the checksum of a TCP or UDP packet belongs, over all
  /// that follows in the frame, so that it can be finished later.
  ///
  /// - Returns: false, with nothing changed, for other packets.
  static func storePseudoHeader(in frame: inout MutableRawSpan, _ headers: FrameHeaders) -> Bool {
    guard let offset = headers.transport.checksumOffset else { return false }
    let pseudo = InternetChecksum(
      pseudoHeaderOf: headers, in: frame.bytes,
      byteCount: frame.byteCount - headers.transportOffset)
    frame.store(pseudo.sum.byteSwapped, at: headers.transportOffset + offset)
    return true
  }

  /// Calculates the checksum of a TCP or UDP packet anew.
  ///
  /// - Returns: false, with nothing changed, for other packets.
  static func fill(in frame: inout MutableRawSpan, _ headers: FrameHeaders) -> Bool {
    guard let offset = headers.transport.checksumOffset else { return false }
    let start = headers.transportOffset
    frame.store(UInt16(0), at: start + offset)
    var checksum = InternetChecksum(
      pseudoHeaderOf: headers, in: frame.bytes, byteCount: headers.transportByteCount)
    checksum.add(frame.bytes.extracting(start..<start + headers.transportByteCount))
    frame.store(checksum.checksum.byteSwapped, at: start + offset)
    return true
  }
}
