import RingTransport

/// The network side of a vif.
enum NetUplink: Sendable, Equatable, CustomStringConvertible {
  /// A TAP device, normally a port of a bridge.
  case tap(String)
  /// A packet socket on an interface (`AF_PACKET` with `PACKET_VNET_HDR`).
  case packet(String)
  /// libpcap on an interface: works everywhere, without offloads.
  case capture(String)

  /// The longest name of an interface (`IFNAMSIZ`, with its zero byte).
  static let nameByteCountMax = 15

  /// Reads `tap:vif2.0`, `packet:eth0` or `pcap:eth0`.
  init?(_ text: String) {
    let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
    guard parts.count == 2, (1...Self.nameByteCountMax).contains(parts[1].utf8.count),
      parts[1].utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7f && $0 != UInt8(ascii: "/") })
    else { return nil }
    let name = String(parts[1])
    switch parts[0] {
    case "tap": self = .tap(name)
    case "packet": self = .packet(name)
    case "pcap": self = .capture(name)
    default: return nil
    }
  }

  /// The interface's name.
  var interface: String {
    switch self {
    case .tap(let name), .packet(let name), .capture(let name): name
    }
  }

  /// Whether packets may cross it with unfinished checksums, and longer than the MTU.
  var takesOffloads: Bool {
    if case .capture = self { false } else { true }
  }

  /// How many queues it can have.
  var queueCountMax: Int {
    if case .tap = self { HeldQueue.countMax } else { 1 }
  }

  var description: String {
    switch self {
    case .tap(let name): "tap:\(name)"
    case .packet(let name): "packet:\(name)"
    case .capture(let name): "pcap:\(name)"
    }
  }
}
