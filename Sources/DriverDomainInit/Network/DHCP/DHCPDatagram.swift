/// A DHCP message in its UDP and IPv4 headers, which a client without an address writes itself.
struct DHCPDatagram: Equatable {
  var source: UInt32
  var destination: UInt32
  var message: DHCPMessage

  static let broadcast = UInt32.max
  private static let serverPort: UInt16 = 67
  private static let clientPort: UInt16 = 68
  private static let ipByteCount = 20
  private static let udpByteCount = 8
  private static let udpProtocol: UInt8 = 17
  private static let hopsMax: UInt8 = 64

  /// The packet, from the client's port to the server's, with both checksums.
  var encoded: [UInt8] {
    let payload = message.encoded
    let udpByteCount = UInt16(Self.udpByteCount + payload.count)
    var ip: [UInt8] = [0x45, 0] + Self.bytes(UInt16(Self.ipByteCount) + udpByteCount)
    ip += [0, 0, 0, 0, Self.hopsMax, Self.udpProtocol, 0, 0]
    ip += InternetAddress(v4: source).bytes + InternetAddress(v4: destination).bytes
    let ipSum = Self.bytes(Self.checksum(ip))
    ip.replaceSubrange(10..<12, with: ipSum)
    var udp = Self.bytes(Self.clientPort) + Self.bytes(Self.serverPort) + Self.bytes(udpByteCount)
    udp += [0, 0] + payload
    // Over a header of its own too: both addresses, the protocol, the length (RFC 768).
    let pseudo = ip[12..<20] + [0, Self.udpProtocol] + Self.bytes(udpByteCount)
    let udpSum = Self.checksum(pseudo + udp)
    // Zero would mean that there is no sum.
    udp.replaceSubrange(6..<8, with: Self.bytes(udpSum == 0 ? 0xFFFF : udpSum))
    return ip + udp
  }

  private static func bytes(_ number: UInt16) -> [UInt8] {
    [UInt8(number >> 8), UInt8(truncatingIfNeeded: number)]
  }

  /// The Internet checksum (RFC 1071) of a packet of less than 64 KiB.
  static func checksum(_ bytes: some Collection<UInt8>) -> UInt16 {
    var sum: UInt32 = 0
    var isHigh = true
    for byte in bytes {
      sum += isHigh ? UInt32(byte) << 8 : UInt32(byte)
      isHigh.toggle()
    }
    sum = (sum & 0xFFFF) + (sum >> 16)
    sum = (sum & 0xFFFF) + (sum >> 16)
    return ~UInt16(truncatingIfNeeded: sum)
  }
}

extension DHCPDatagram {
  /// Reads a packet from a server's port to the client's; nil for anything else.
  ///
  /// The UDP checksum is not looked at: a server in another guest on the same host leaves it to a
  /// NIC that the packet never sees. The IP header's own sum holds.
  init?(_ packet: ArraySlice<UInt8>) {
    let fields = LittleEndianBytes(packet)
    let short = { (offset: Int) in fields.integer(at: offset, as: UInt16.self)?.byteSwapped }
    let long = { (offset: Int) in fields.integer(at: offset, as: UInt32.self)?.byteSwapped }
    guard let first = fields.integer(at: 0, as: UInt8.self), first >> 4 == 4,
      let total = short(2).map({ Int($0) }), let fragment = short(6),
      let transport = fields.integer(at: 9, as: UInt8.self),
      let source = long(12), let destination = long(16)
    else { return nil }
    let headerByteCount = Int(first & 0xF) * 4
    guard headerByteCount >= Self.ipByteCount, let header = fields[0, headerByteCount],
      Self.checksum(header) == 0, transport == Self.udpProtocol, fragment & 0x3FFF == 0,
      total <= packet.count, total >= headerByteCount + Self.udpByteCount,
      short(headerByteCount) == Self.serverPort, short(headerByteCount + 2) == Self.clientPort,
      let udpByteCount = short(headerByteCount + 4).map({ Int($0) }),
      udpByteCount >= Self.udpByteCount, headerByteCount + udpByteCount <= total,
      let payload = fields[headerByteCount + Self.udpByteCount, udpByteCount - Self.udpByteCount],
      let message = DHCPMessage(payload)
    else { return nil }
    self.init(source: source, destination: destination, message: message)
  }
}
