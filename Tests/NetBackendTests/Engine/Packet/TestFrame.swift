import RingTransport
import SimulatedXen

/// A frame to be built byte by byte, with what is known about it. Shares nothing with the parser.
struct TestFrame {
  enum Network: CaseIterable {
    case ipv4
    case ipv6
  }
  enum Transport: CaseIterable {
    case tcp
    case udp
    case icmp
  }

  var destination: [UInt8] = [0x02, 0, 0, 0, 0, 1]
  var source: [UInt8] = [0x00, 0x16, 0x3e, 1, 2, 3]
  /// EtherTypes of the tags in front.
  var tags: [UInt16] = []
  var network = Network.ipv4
  /// Words of options behind the IPv4 header.
  var ipv4OptionWords = 0
  /// IPv4: more fragments and offset. IPv6: adds a fragment header unless nil.
  var fragmentField: UInt16?
  /// Protocol numbers of IPv6 extension headers, and how many units of eight bytes (of four for
  /// 51) each has beyond its least.
  var extensions: [(number: UInt8, units: UInt8)] = []
  var sourceAddress: [UInt8] = []
  var destinationAddress: [UInt8] = []
  var transport = Transport.tcp
  var sourcePort: UInt16 = 1000
  var destinationPort: UInt16 = 2000
  var tcpOptionWords = 0
  var tcpFlags: UInt8 = 0x10
  var payload: [UInt8] = []
  /// Bytes behind the IP packet.
  var padding = 0

  init() {}

  /// A frame of any kind, with a payload of up to `largestPayload` bytes.
  init(_ generator: inout SeededGenerator, largestPayload: Int = 300) {
    tags = Array(
      [0x8100, 0x88a8].shuffled(using: &generator).prefix(.random(in: 0...2, using: &generator)))
    network = .random(&generator)
    transport = Bool.random(using: &generator) ? .tcp : .udp
    sourceAddress = .random(network == .ipv4 ? 4 : 16, &generator)
    destinationAddress = .random(network == .ipv4 ? 4 : 16, &generator)
    sourcePort = .random(in: 0...(.max), using: &generator)
    destinationPort = .random(in: 0...(.max), using: &generator)
    if network == .ipv4 {
      ipv4OptionWords = Int.random(in: 0...10, using: &generator)
    } else {
      extensions = (0..<Int.random(in: 0...3, using: &generator)).map { _ in
        let numbers: [UInt8] = [0, 43, 51, 60]
        return (
          numbers[Int.random(in: 0..<4, using: &generator)], .random(in: 0...9, using: &generator)
        )
      }
    }
    tcpOptionWords = Int.random(in: 0...10, using: &generator)
    payload = .random(Int.random(in: 0...largestPayload, using: &generator), &generator)
  }

  var networkOffset: Int { 14 + tags.count * 4 }
  var transportOffset: Int {
    switch network {
    case .ipv4: networkOffset + 20 + ipv4OptionWords * 4
    case .ipv6: networkOffset + 40 + extensionBytes.count
    }
  }
  var transportHeaderByteCount: Int {
    switch transport {
    case .tcp: 20 + tcpOptionWords * 4
    case .udp: 8
    case .icmp: 0
    }
  }
  var transportByteCount: Int { transportBytes.count }

  private var protocolNumber: UInt8 {
    switch transport {
    case .tcp: 6
    case .udp: 17
    case .icmp: network == .ipv4 ? 1 : 58
    }
  }

  private var extensionNumbers: [UInt8] {
    extensions.map(\.number) + (network == .ipv6 && fragmentField != nil ? [44] : [])
  }

  private var extensionBytes: [UInt8] {
    var bytes: [UInt8] = []
    let following = Array(extensionNumbers.dropFirst()) + [protocolNumber]
    for (position, header) in extensions.enumerated() {
      let size = header.number == 51 ? (Int(header.units) + 2) * 4 : (Int(header.units) + 1) * 8
      bytes += [following[position], header.units]
      bytes += [UInt8](repeating: 0, count: size - 2)
    }
    if network == .ipv6, let fragmentField {
      bytes += [protocolNumber, 0] + fragmentField.octets + [1, 2, 3, 4]
    }
    return bytes
  }

  private var transportBytes: [UInt8] {
    let ports = sourcePort.octets + destinationPort.octets
    switch transport {
    case .tcp:
      return ports + [0, 0, 0, 1, 0, 0, 0, 2]
        + [UInt8(5 + tcpOptionWords) << 4, tcpFlags, 1, 0, 0, 0, 0, 0]
        + [UInt8](repeating: 1, count: tcpOptionWords * 4) + payload
    case .udp: return ports + UInt16(8 + payload.count).octets + [0, 0] + payload
    case .icmp: return payload
    }
  }

  /// The frame, its transport checksum zero.
  var bytes: [UInt8] {
    var bytes = destination + source
    for tag in tags { bytes += tag.octets + [0x20, 0x01] }
    let body = transportBytes
    switch network {
    case .ipv4:
      let size = 20 + ipv4OptionWords * 4 + body.count
      bytes += [0x08, 0x00, UInt8(0x45 + ipv4OptionWords), 0] + UInt16(size).octets + [0, 1]
      bytes += (fragmentField ?? 0x4000).octets + [64, protocolNumber, 0, 0]
      bytes += sourceAddress.or([192, 0, 2, 1]) + destinationAddress.or([192, 0, 2, 2])
      bytes += [UInt8](repeating: 1, count: ipv4OptionWords * 4)
    case .ipv6:
      let between = extensionBytes
      bytes += [0x86, 0xdd, 0x60, 0, 0, 0] + UInt16(between.count + body.count).octets
      bytes += [extensionNumbers.first ?? protocolNumber, 64]
      bytes += sourceAddress.or([0xfe, 0x80] + [UInt8](repeating: 0, count: 13) + [1])
      bytes += destinationAddress.or([0xfe, 0x80] + [UInt8](repeating: 0, count: 13) + [2])
      bytes += between
    }
    return bytes + body + [UInt8](repeating: 0, count: padding)
  }

  /// Where the transport checksum stands.
  var checksumPosition: Int { transportOffset + (transport == .tcp ? 16 : 6) }

  /// The sum of the pseudo header, and of everything from the transport header on: the long way.
  func naiveSum(pseudoHeaderOnly: Bool) -> UInt16 {
    let whole = bytes
    let addresses =
      network == .ipv4
      ? whole[networkOffset + 12..<networkOffset + 20]
      : whole[networkOffset + 8..<networkOffset + 40]
    var summed = Array(addresses) + [0, protocolNumber] + UInt16(transportByteCount).octets
    if !pseudoHeaderOnly { summed += transportBytes }
    if summed.count % 2 == 1 { summed.append(0) }
    var sum = 0
    for index in stride(from: 0, to: summed.count, by: 2) {
      sum += Int(summed[index]) << 8 | Int(summed[index + 1])
      if sum > 0xffff { sum -= 0xffff }
    }
    return UInt16(sum)
  }
}

extension CaseIterable {
  static func random(_ generator: inout SeededGenerator) -> Self where AllCases == [Self] {
    allCases[Int.random(in: 0..<allCases.count, using: &generator)]
  }
}

extension UInt16 {
  /// In the order of the network.
  var octets: [UInt8] { [UInt8(self >> 8), UInt8(truncatingIfNeeded: self)] }
}

extension [UInt8] {
  static func random(_ count: Int, _ generator: inout SeededGenerator) -> [UInt8] {
    (0..<count).map { _ in UInt8(truncatingIfNeeded: generator.next()) }
  }

  func or(_ other: [UInt8]) -> [UInt8] { isEmpty ? other : self }

  /// The 16-bit number at `offset`, in the order of the network.
  func number(at offset: Int) -> UInt16 { UInt16(self[offset]) << 8 | UInt16(self[offset + 1]) }

  /// Runs `body` over the bytes, which it may change.
  mutating func asFrame<Result, Failure: Error>(
    _ body: (inout MutableRawSpan) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    var elements = mutableSpan
    var bytes = unsafe elements.mutableBytes
    return try body(&bytes)
  }
}
