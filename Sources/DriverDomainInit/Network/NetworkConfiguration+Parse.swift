/// Reads the options of the network.
extension NetworkConfiguration {
  typealias Option = Configuration.Option
  typealias Problem = Configuration.Problem

  private static let filterPrefix = "driver_domain.filter."

  /// Takes an option, and says whether it is one of the network.
  mutating func apply(_ option: Option) throws(Problem) -> Bool {
    switch option.word.name {
    case "driver_domain.bridge": try addBridge(option)
    case "driver_domain.uplink": try addDirectUplink(option)
    case "driver_domain.mtu":
      let (bridge, text) = try named(option, "bridge")
      guard let mtu = Int(text), Self.mtuRange.contains(mtu) else {
        throw option.problem(
          "'\(text)' is no number from \(Self.mtuRange.lowerBound) to \(Self.mtuRange.upperBound)")
      }
      try checkCount(mtus.count, option)
      mtus[bridge] = mtu
    case "driver_domain.address": try addAddress(option)
    case "driver_domain.filter": filter = try option.value()
    case let name where name.hasPrefix(Self.filterPrefix):
      let text = name.dropFirst(Self.filterPrefix.count)
      guard let address = HardwareAddress(text) else {
        throw option.problem("'\(text)' is no address as AA-BB-CC-DD-EE-FF")
      }
      try checkCount(filters.count, option)
      filters[address] = try option.value()
    default: return false
    }
    return true
  }

  private mutating func addBridge(_ option: Option) throws(Problem) {
    let (name, list) = try named(option, "bridge")
    guard !bridges.contains(where: { $0.name == name }), directUplinks[name] == nil else {
      throw option.problem("\(name) is given twice")
    }
    var uplinks: [Uplink] = []
    for text in list.split(separator: ",").map(String.init) {
      let uplink: Uplink
      if let address = HardwareAddress(text) {
        uplink = .address(address)
      } else if InterfaceName.isValid(text) {
        uplink = .name(text)
      } else {
        throw option.problem("'\(text)' is neither an interface nor its address")
      }
      if uplinks.contains(uplink) || bridges.contains(where: { $0.uplinks.contains(uplink) }) {
        throw option.problem("\(uplink) is the uplink of two bridges")
      }
      try option.append(uplink, to: &uplinks)
    }
    try option.append(Bridge(name: name, uplinks: uplinks), to: &bridges)
  }

  private mutating func addDirectUplink(_ option: Option) throws(Problem) {
    let (name, text) = try named(option, "bridge")
    guard !bridges.contains(where: { $0.name == name }), directUplinks[name] == nil else {
      throw option.problem("\(name) is given twice")
    }
    let parts = text.split(separator: ":", maxSplits: 1).map(String.init)
    guard parts.count == 2, let method = DirectUplink.Method(rawValue: parts[0]),
      InterfaceName.isValid(parts[1])
    else {
      throw option.problem("'\(text)' is neither packet:INTERFACE nor pcap:INTERFACE")
    }
    try checkCount(directUplinks.count, option)
    directUplinks[name] = DirectUplink(method: method, interface: parts[1])
  }

  private mutating func addAddress(_ option: Option) throws(Problem) {
    let (bridge, text) = try named(option, "bridge")
    if text == "dhcp" {
      guard !addresses.contains(Address(bridge: bridge, source: .dhcp)) else {
        throw option.problem("dhcp is given twice for \(bridge)")
      }
      try option.append(Address(bridge: bridge, source: .dhcp), to: &addresses)
      return
    }
    let parts = text.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
    guard parts.count <= 2, let address = InterfaceAddress(parts[0]) else {
      throw option.problem("'\(text)' is neither dhcp nor ADDRESS/PREFIX[,GATEWAY]")
    }
    var gateway: InternetAddress?
    if parts.count == 2 {
      gateway = InternetAddress(parts[1])
      guard let gateway, gateway.isIPv6 == address.address.isIPv6 else {
        throw option.problem("'\(parts[1])' is no gateway for \(address)")
      }
    }
    let source = Address.Source.fixed(address, gateway: gateway)
    try option.append(Address(bridge: bridge, source: source), to: &addresses)
  }

  /// `NAME:REST`, where the name is that of an interface.
  private func named(
    _ option: Option, _ what: String
  ) throws(Problem) -> (name: String, rest: String) {
    let text = try option.value()
    let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
    guard parts.count == 2 else {
      throw option.problem("'\(text)' has no colon behind the \(what)")
    }
    guard InterfaceName.isValid(parts[0]), InterfaceName.leaf(ofBackendEnd: String(parts[0])) == nil
    else { throw option.problem("'\(parts[0])' is no name for a \(what)") }
    return (String(parts[0]), String(parts[1]))
  }

  private func checkCount(_ count: Int, _ option: Option) throws(Problem) {
    guard count < Configuration.entryCountMax else {
      throw option.problem("given more than \(Configuration.entryCountMax) times")
    }
  }
}
