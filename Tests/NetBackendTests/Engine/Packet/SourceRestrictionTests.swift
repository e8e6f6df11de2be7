import CPcap
import RingTransport
import SimulatedXen
import Testing

@testable import NetBackend

/// What a guest may claim to be.
struct SourceRestrictionTests {
  private static let own: [UInt8] = [0x00, 0x16, 0x3e, 1, 2, 3]

  private func filter(_ ipNode: String?) throws -> PacketFilter {
    let address = try #require(EthernetAddress("00:16:3e:01:02:03"))
    return try PacketFilter(SourceRestriction(address: address, ipNode: ipNode).expression)
  }

  @Test func hardwareAddressAlone() throws {
    for node in [nil, "", " "] {
      let filter = try filter(node)
      var frame = TestFrame()
      #expect(admits(filter, frame.bytes))
      frame.tags = [0x8100]
      #expect(admits(filter, frame.bytes))
      #expect(admits(filter, arp(sender: [9, 9, 9, 9], hardware: [9, 9, 9, 9, 9, 9])))
      frame.source = [0x00, 0x16, 0x3e, 1, 2, 4]
      #expect(!admits(filter, frame.bytes))
    }
  }

  @Test func version4() throws {
    let filter = try filter("192.0.2.1 198.51.100.0/24 2001:db8::1")
    var frame = TestFrame()
    for address: [UInt8] in [[192, 0, 2, 1], [198, 51, 100, 0], [198, 51, 100, 255]] {
      frame.sourceAddress = address
      #expect(admits(filter, frame.bytes))
    }
    frame.source = [0x00, 0x16, 0x3e, 1, 2, 4]
    #expect(!admits(filter, frame.bytes), "another hardware address")
    frame.source = Self.own
    frame.tags = [0x8100]
    #expect(!admits(filter, frame.bytes), "a tag would hide it")
    frame.tags = []
    for address: [UInt8] in [[192, 0, 2, 2], [198, 51, 101, 0], [0, 0, 0, 0], [127, 0, 0, 1]] {
      frame.sourceAddress = address
      #expect(!admits(filter, frame.bytes))
    }
    // One who has no address yet asks for one.
    frame.sourceAddress = [0, 0, 0, 0]
    frame.transport = .udp
    (frame.sourcePort, frame.destinationPort) = (68, 67)
    #expect(admits(filter, frame.bytes))
    // And does not answer such questions.
    (frame.sourcePort, frame.destinationPort) = (67, 68)
    #expect(!admits(filter, frame.bytes))
  }

  @Test func addressResolution() throws {
    let filter = try filter("192.0.2.1 10.0.0.0/8")
    #expect(admits(filter, arp(sender: [192, 0, 2, 1], hardware: Self.own)))
    #expect(admits(filter, arp(sender: [10, 1, 2, 3], hardware: Self.own)))
    #expect(admits(filter, arp(sender: [0, 0, 0, 0], hardware: Self.own)), "a probe")
    #expect(!admits(filter, arp(sender: [192, 0, 2, 2], hardware: Self.own)))
    #expect(!admits(filter, arp(sender: [192, 0, 2, 1], hardware: [0, 0x16, 0x3e, 1, 2, 4])))
    #expect(!admits(filter, arp(sender: [192, 0, 2, 1], hardware: [1, 0x16, 0x3e, 1, 2, 3])))
    // Nothing that is neither IP nor ARP.
    var other = arp(sender: [192, 0, 2, 1], hardware: Self.own)
    (other[12], other[13]) = (0x88, 0xcc)
    #expect(!admits(filter, other))
  }

  @Test func version6() throws {
    let filter = try filter("2001:db8::1 2001:db8:1:8000::/49")
    var frame = TestFrame()
    frame.network = .ipv6
    for text in ["2001:db8::1", "2001:db8:1:8000::", "2001:db8:1:ffff::5", "fe80::1234"] {
      frame.sourceAddress = try octets(text)
      #expect(admits(filter, frame.bytes), "\(text)")
    }
    for text in ["2001:db8::2", "2001:db8:1:7fff::", "::1", "::", "fec0::1", "ff02::1"] {
      frame.sourceAddress = try octets(text)
      #expect(!admits(filter, frame.bytes), "\(text)")
    }
    // A header in front of what follows could hide a control message.
    frame.sourceAddress = try octets("2001:db8::1")
    for number in [UInt8(0), 43, 60] {
      frame.extensions = [(number, 0)]
      #expect(!admits(filter, frame.bytes), "\(number)")
    }
  }

  @Test func neighbourDiscovery() throws {
    let filter = try filter("2001:db8::1 2001:db8:1:8000::/49")
    let own = "2001:db8::1"
    #expect(admits(filter, try control(135, from: own, target: "2001:db8::9")))
    #expect(admits(filter, try control(128, from: own, target: "::")), "an echo")
    #expect(admits(filter, try control(136, from: own, target: own)))
    #expect(admits(filter, try control(136, from: "fe80::5", target: "fe80::5")))
    #expect(admits(filter, try control(136, from: own, target: "2001:db8:1:9000::")))
    // Claims to be a neighbour, or a router.
    #expect(!admits(filter, try control(136, from: own, target: "2001:db8::2")))
    #expect(!admits(filter, try control(136, from: own, target: "2001:db8:1:7000::")))
    #expect(!admits(filter, try control(134, from: "fe80::5", target: "::")))
    #expect(!admits(filter, try control(137, from: "fe80::5", target: own)))
    // Without an address: nothing but the question.
    #expect(admits(filter, try control(135, from: "::", target: own)))
    #expect(!admits(filter, try control(136, from: "::", target: own)))
    #expect(!admits(filter, try control(133, from: "2001:db8::2", target: "::")))
  }

  @Test func groups() throws {
    let filter = try filter("192.0.2.1")
    for from in ["fe80::5", "::"] {
      #expect(admits(filter, try control(143, from: from, target: "::", behindOptions: true)))
      #expect(!admits(filter, try control(136, from: from, target: "::2", behindOptions: true)))
    }
    #expect(
      !admits(filter, try control(143, from: "2001:db8::7", target: "::", behindOptions: true)))
  }

  /// libpcap's optimizer has errors. What it makes of these expressions decides as the program that
  /// it was made from.
  @Test(arguments: testSeedGroups(count: 500, groupSize: 100))
  func optimizerChangesNothing(seeds: [UInt64]) throws {
    let filter = try filter("192.0.2.1 10.0.0.0/8 2001:db8::1 2001:db8:1:8000::/49")
    let dead = unsafe pcap_open_dead(DLT_EN10MB, 65_535)
    guard let session = unsafe dead else {
      Issue.record("no memory")
      return
    }
    defer { unsafe pcap_close(session) }
    var program = unsafe bpf_program()
    #expect(
      unsafe pcap_compile(session, &program, filter.expression, 0, c_pcap_netmask_unknown) == 0)
    defer { unsafe pcap_freecode(&program) }
    var admitted = 0
    for seed in seeds {
      var generator = SeededGenerator(seed: seed)
      let bytes = try likelyFrame(&generator)
      let plain = unsafe c_pcap_run(&program, bytes, UInt32(bytes.count), UInt32(bytes.count)) != 0
      #expect(admits(filter, bytes) == plain, "seed \(seed)")
      if plain { admitted += 1 }
    }
    #expect(admitted > seeds.count / 10)
    #expect(admitted < seeds.count * 9 / 10)
  }

  /// Any frame that comes far through the tests, and may fail at each of them.
  private func likelyFrame(_ generator: inout SeededGenerator) throws -> [UInt8] {
    let sources = ["2001:db8::1", "2001:db8:1:9000::1", "fe80::1", "::", "2001:db8::2"]
    let source = sources[Int.random(in: 0..<5, using: &generator)]
    let target = sources[Int.random(in: 0..<5, using: &generator)]
    var bytes: [UInt8]
    switch Int.random(in: 0..<3, using: &generator) {
    case 0:
      var frame = TestFrame(&generator, largestPayload: 20)
      frame.tags = []
      frame.sourceAddress = frame.network == .ipv4 ? [10, 1, 2, 3] : try octets(source)
      bytes = frame.bytes
    case 1: bytes = arp(sender: [192, 0, 2, 1], hardware: Self.own)
    default:
      bytes = try control(
        UInt8.random(in: 130...143, using: &generator), from: source, target: target,
        behindOptions: generator.chance(percent: 30))
    }
    if generator.chance(percent: 30) {
      let position = Int.random(in: 6..<min(80, bytes.count), using: &generator)
      bytes[position] ^= 1 << UInt8.random(in: 0..<8, using: &generator)
    }
    if generator.chance(percent: 10) {
      bytes.removeLast(Int.random(in: 0...bytes.count, using: &generator))
    }
    return bytes
  }

  @Test func nodes() throws {
    let address = try #require(EthernetAddress("00:16:3e:01:02:03"))
    for text in ["192.0.2", "192.0.2.1/33", "192.0.2.1/", "192.0.2.1/-1", "::/129", "host", "1,2"] {
      #expect(throws: SourceRestrictionError.address(text)) {
        try SourceRestriction(address: address, ipNode: "10.0.0.1 \(text)")
      }
    }
    let many = String(repeating: "10.0.0.1 ", count: SourceRestriction.largestNetworkCount)
    let most = try SourceRestriction(address: address, ipNode: many)
    _ = try PacketFilter(most.expression)
    #expect(throws: SourceRestrictionError.tooMany(65)) {
      try SourceRestriction(address: address, ipNode: many + "10.0.0.1")
    }
    // As many of the longer kind can be compiled, too.
    let longer = String(repeating: "2001:db8:1:2:3:4:5:6 ", count: 64)
    _ = try PacketFilter(SourceRestriction(address: address, ipNode: longer).expression)
    // A prefix of nothing is everything.
    _ = try PacketFilter(SourceRestriction(address: address, ipNode: "::/0 0.0.0.0/0").expression)
  }

  // MARK: Frames

  private func arp(sender: [UInt8], hardware: [UInt8]) -> [UInt8] {
    [UInt8](repeating: 0xff, count: 6) + Self.own + [8, 6, 0, 1, 8, 0, 6, 4, 0, 2]
      + hardware + sender + [0, 0, 0, 0, 0, 0, 192, 0, 2, 9]
  }

  /// An ICMPv6 message with a target address where neighbour discovery has it.
  private func control(
    _ type: UInt8, from source: String, target: String, behindOptions: Bool = false
  ) throws -> [UInt8] {
    var frame = TestFrame()
    frame.network = .ipv6
    frame.transport = .icmp
    frame.sourceAddress = try octets(source)
    frame.payload = [type, 0, 0, 0, 0, 0, 0, 0] + (try octets(target))
    if behindOptions { frame.extensions = [(0, 0)] }
    return frame.bytes
  }

  private func octets(_ text: String) throws -> [UInt8] {
    let network = try #require(InternetNetwork(text))
    return network.words.flatMap { UInt16($0 >> 16).octets + UInt16($0 & 0xffff).octets }
  }

  private func admits(_ filter: PacketFilter, _ bytes: [UInt8]) -> Bool {
    filter.admits(unsafe bytes.span.bytes)
  }
}
