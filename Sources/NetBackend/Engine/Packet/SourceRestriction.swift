/// What a guest may claim to be: an expression for ``PacketFilter`` that passes only its own
/// addresses.
///
/// With IP addresses given, everything but IPv4, ARP and IPv6 is stopped, tagged frames included.
/// As the hotplug scripts of Linux do, it lets the guest ask for an address by DHCP and use
/// link-local IPv6 addresses. Beyond them it looks into ARP and IPv6 neighbour discovery, with
/// which a guest could claim its neighbours' addresses, and keeps it from posing as a router.
struct SourceRestriction: Hashable, Sendable {
  /// The guest's hardware address (the `mac` node).
  let address: EthernetAddress
  /// The guest's IP addresses (the `ip` node); none: any.
  let networks: [InternetNetwork]

  /// Addresses that one interface may have. Each adds a dozen instructions for every packet.
  static let largestNetworkCount = 64

  /// Reads the `ip` node, a list of addresses or prefixes separated by spaces.
  init(address: EthernetAddress, ipNode: String?) throws(SourceRestrictionError) {
    self.address = address
    let words = (ipNode ?? "").split(whereSeparator: \.isWhitespace)
    guard words.count <= Self.largestNetworkCount else { throw .tooMany(words.count) }
    var networks: [InternetNetwork] = []
    for word in words {
      guard let network = InternetNetwork(word) else { throw .address(String(word)) }
      networks.append(network)
    }
    self.networks = networks
  }

  /// The expression.
  var expression: String {
    let hardware = "ether src \(address)"
    guard !networks.isEmpty else { return hardware }
    return "\(hardware) and (\(any([version4, resolution, version6])))"
  }

  /// IPv4 packets, and the request for an address by one who has none.
  private var version4: String {
    let own = networks.filter { !$0.isVersion6 }.map { "ip src net \($0)" }
    return any(own + ["ip src host 0.0.0.0 and udp src port 68 and udp dst port 67"])
  }

  /// ARP: the sender is the guest. A sender of 0.0.0.0 asks whether an address is in use.
  private var resolution: String {
    let own = networks.filter { !$0.isVersion6 }.map { "arp src net \($0)" }
    let high = hexadecimal(UInt32(truncatingIfNeeded: address.rawValue >> 16))
    let low = hexadecimal(UInt32(truncatingIfNeeded: address.rawValue & 0xffff))
    let sender = any(own + ["arp src host 0.0.0.0"])
    return "arp[8:4] = \(high) and arp[12:2] = \(low) and (\(sender))"
  }

  /// IPv6: own source, and no control message that speaks for others.
  private var version6: String {
    let own = networks.filter(\.isVersion6)
    let sources = any(["ip6 src net fe80::/10"] + own.map { "ip6 src net \($0)" })
    // Headers in front of a control message would hide it, so they pass only where listeners to
    // groups need them: a hop-by-hop header of eight bytes, then a report or a farewell (RFC 3810).
    let listening = "ip6[6] = 0 and ip6[40] = 58 and ip6[41] = 0"
    let listener = "\(listening) and (ip6[48] = 131 or ip6[48] = 132 or ip6[48] = 143)"
    let plain = "ip6[6] != 0 and ip6[6] != 43 and ip6[6] != 58 and ip6[6] != 60"
    // Not 134, a router's advertisement, nor 137, its redirection; 136 answers for an address.
    let target = any([linkLocalTarget] + own.map { targetTest($0) })
    let control =
      "ip6[6] = 58 and ip6[40] != 134 and ip6[40] != 137 and (ip6[40] != 136 or (\(target)))"
    // Without an address yet: is it in use, and the groups that belong to the question.
    let probe = "ip6[6] = 58 and ip6[40] = 135"
    let unspecified = "ip6 src host :: and (\(any([probe, listener])))"
    return any(["(\(sources)) and (\(any([plain, listener, control])))", unspecified])
  }

  /// Whether an advertisement (RFC 4861, 4.4) is for a link-local address.
  private var linkLocalTarget: String { "ip6[48:2] & 0xffc0 = 0xfe80" }

  /// Whether an advertisement is for an address of `network`.
  private func targetTest(_ network: InternetNetwork) -> String {
    let tests = network.words.indices.compactMap { index -> String? in
      let mask = InternetNetwork.mask(of: network.prefixLength, word: index)
      guard mask != 0 else { return nil }
      let place = "ip6[\(48 + index * 4):4]"
      // libpcap 1.10 makes "x & 0xffffffff = 0" false for every x.
      let masked = mask == .max ? place : "\(place) & \(hexadecimal(mask))"
      return "\(masked) = \(hexadecimal(network.words[index]))"
    }
    return tests.isEmpty ? "ip6" : tests.joined(separator: " and ")
  }

  private func any(_ tests: [String]) -> String {
    tests.map { "(\($0))" }.joined(separator: " or ")
  }

  private func hexadecimal(_ number: UInt32) -> String { "0x" + String(number, radix: 16) }
}

/// Why an `ip` node cannot be used.
enum SourceRestrictionError: Error, Hashable, Sendable, CustomStringConvertible {
  case address(String)
  case tooMany(Int)

  var description: String {
    switch self {
    case .address(let text): "'\(text)' in the 'ip' node is not an IP address"
    case .tooMany(let count):
      "the 'ip' node holds \(count) addresses; \(SourceRestriction.largestNetworkCount) may be"
    }
  }
}
