import CNetReference
import RingTransport
import SimulatedXen
import Testing

@testable import NetBackend

struct ToeplitzHashTests {
  /// The key and the results that Microsoft publishes for receive-side scaling.
  private static let key: [UInt8] = [
    0x6d, 0x5a, 0x56, 0xda, 0x25, 0x5b, 0x0e, 0xc2, 0x41, 0x67, 0x25, 0x3d, 0x43, 0xa3,
    0x8f, 0xb0, 0xd0, 0xca, 0x2b, 0xcb, 0xae, 0x7b, 0x30, 0xb4, 0x77, 0xcb, 0x2d, 0xa3,
    0x80, 0x30, 0xf2, 0x0c, 0x6a, 0x42, 0xb7, 0x3b, 0xbe, 0xac, 0x01, 0xfa,
  ]

  struct Vector: Sendable {
    let destination: (String, UInt16)
    let source: (String, UInt16)
    let plain: UInt32
    let withPorts: UInt32
  }

  private static let vectors = [
    Vector(
      destination: ("161.142.100.80", 1766), source: ("66.9.149.187", 2794),
      plain: 0x323e_8fc2, withPorts: 0x51cc_c178),
    Vector(
      destination: ("65.69.140.83", 4739), source: ("199.92.111.2", 14230),
      plain: 0xd718_262a, withPorts: 0xc626_b0ea),
    Vector(
      destination: ("12.22.207.184", 38024), source: ("24.19.198.95", 12898),
      plain: 0xd2d0_a5de, withPorts: 0x5c2b_394a),
    Vector(
      destination: ("209.142.163.6", 2217), source: ("38.27.205.30", 48228),
      plain: 0x8298_9176, withPorts: 0xafc7_327f),
    Vector(
      destination: ("202.188.127.2", 1303), source: ("153.39.163.191", 44251),
      plain: 0x5d18_09c5, withPorts: 0x10e8_28a2),
    Vector(
      destination: ("3ffe:2501:200:3::1", 1766), source: ("3ffe:2501:200:1fff::7", 2794),
      plain: 0x2cc1_8cd5, withPorts: 0x4020_7d3d),
    Vector(
      destination: ("ff02::1", 4739), source: ("3ffe:501:8::260:97ff:fe40:efab", 14230),
      plain: 0x0f0c_461c, withPorts: 0xdde5_1bbf),
    Vector(
      destination: ("fe80::200:f8ff:fe21:67cf", 38024),
      source: ("3ffe:1900:4545:3:200:f8ff:fe21:67cf", 44251),
      plain: 0x4b61_e985, withPorts: 0x02d1_feef),
  ]

  @Test(arguments: vectors)
  func publishedVectors(vector: Vector) throws {
    var frame = TestFrame()
    frame.network = vector.source.0.contains(":") ? .ipv6 : .ipv4
    frame.sourceAddress = try octets(vector.source.0)
    frame.destinationAddress = try octets(vector.destination.0)
    (frame.sourcePort, frame.destinationPort) = (vector.source.1, vector.destination.1)
    let isVersion6 = frame.network == .ipv6
    let hash = ToeplitzHash(key: Self.key)
    let maximal = try result(hash, frame, .supported)
    #expect(maximal == PacketHash(type: isVersion6 ? 3 : 1, value: vector.withPorts))
    let plain = try result(hash, frame, [.ipv4, .ipv6])
    #expect(plain == PacketHash(type: isVersion6 ? 2 : 0, value: vector.plain))
    // Ports count for TCP alone.
    frame.transport = .udp
    #expect(try result(hash, frame, .supported) == plain)
    #expect(try result(hash, frame, [.ipv4TCP, .ipv6TCP]) == nil)
    // A fragment has none.
    frame.transport = .tcp
    frame.fragmentField = isVersion6 ? 1 : 0x2000
    #expect(try result(hash, frame, .supported) == plain)
  }

  /// Keys of every size, against the code in netif.h.
  @Test(arguments: testSeedGroups(count: 100))
  func againstTheHeader(seeds: [UInt64]) throws {
    for seed in seeds {
      var generator = SeededGenerator(seed: seed)
      var frame = TestFrame(&generator, largestPayload: 4)
      frame.transport = .tcp
      let key = [UInt8].random(Int.random(in: 0...40, using: &generator), &generator)
      let input =
        frame.sourceAddress + frame.destinationAddress + frame.sourcePort.octets
        + frame.destinationPort.octets
      let value = unsafe net_reference_toeplitz(
        key, UInt32(key.count), input, UInt32(input.count))
      let hash = ToeplitzHash(key: key)
      #expect(try result(hash, frame, .supported)?.value == value, "seed \(seed)")
    }
  }

  @Test func types() {
    func value(_ constant: net_reference_constant) -> UInt32 {
      UInt32(net_reference_value(constant))
    }
    #expect(NetHashTypes.ipv4.rawValue == value(net_reference_hash_ipv4))
    #expect(NetHashTypes.ipv4TCP.rawValue == value(net_reference_hash_ipv4_tcp))
    #expect(NetHashTypes.ipv6.rawValue == value(net_reference_hash_ipv6))
    #expect(NetHashTypes.ipv6TCP.rawValue == value(net_reference_hash_ipv6_tcp))
  }

  @Test func otherPacketsHaveNone() throws {
    let bytes: [UInt8] = [UInt8](repeating: 0xff, count: 12) + [8, 6]
    let span = unsafe bytes.span.bytes
    let hash = ToeplitzHash(key: Self.key)
    let found = hash.hash(of: span, try FrameHeaders(span), types: .supported)
    #expect(found == nil)
  }

  private func result(
    _ hash: ToeplitzHash, _ frame: TestFrame, _ types: NetHashTypes
  ) throws -> PacketHash? {
    let bytes = frame.bytes
    let span = unsafe bytes.span.bytes
    return hash.hash(of: span, try FrameHeaders(span), types: types)
  }

  private func octets(_ text: String) throws -> [UInt8] {
    let network = try #require(InternetNetwork(text))
    return network.words.flatMap { UInt16($0 >> 16).octets + UInt16($0 & 0xffff).octets }
  }
}
