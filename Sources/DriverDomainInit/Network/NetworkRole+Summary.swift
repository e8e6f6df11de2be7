import RingTransport

/// What is published of the network; each node's name and text.
struct NetworkSummary: Equatable {
  var interfaces: [String: String] = [:]
  var bridges: [String: String] = [:]
  var addresses: [String: String] = [:]
}

extension NetworkRole {
  /// NICs, and what else is an uplink by configuration.
  var uplinks: [Link] {
    let named = configuration.bridges.flatMap(\.uplinks)
    let direct = Set(configuration.directUplinks.values.map(\.interface))
    return links.filter { link in
      (isProcessOne && link.isPhysical) || direct.contains(link.name)
        || named.contains { $0.matches(link) }
    }
  }

  /// The network as it is now.
  var summary: NetworkSummary {
    var summary = NetworkSummary()
    for link in uplinks { summary.interfaces[link.name] = text(ofUplink: link) }
    for bridge in links where bridge.kind == Link.bridgeKind {
      summary.bridges[bridge.name] = text(ofBridge: bridge)
    }
    for wanted in configuration.addresses {
      let text: String
      switch wanted.source {
      case .fixed(let address, let gateway):
        let index = links.first { $0.name == wanted.bridge }?.index
        let isSet = index.flatMap { fixedAddresses[$0] }?.contains(address) == true
        text =
          isSet ? "\(address)" + (gateway.map { " gateway \($0)" } ?? "") : "\(address) not set"
      case .dhcp: text = self.text(ofLease: sessions[wanted.bridge]?.client.lease)
      }
      let others = summary.addresses[wanted.bridge].map { $0 + ", " } ?? ""
      summary.addresses[wanted.bridge] = others + text
    }
    return summary
  }

  private func text(ofUplink link: Link) -> String {
    var parts = [link.address?.description ?? "no address"]
    let speed = link.hasCarrier ? control.speedMegabits(of: link.name) : nil
    parts.append((link.hasCarrier ? "up" : "down") + (speed.map { " \($0) Mb/s" } ?? ""))
    if let bridge = links.first(where: { $0.index == link.bridgeIndex }) {
      parts.append("uplink of \(bridge.name)")
    }
    let direct = configuration.directUplinks.filter { $0.value.interface == link.name }
    parts += direct.keys.sorted().map { "uplink of \($0)" }
    return parts.joined(separator: ", ")
  }

  private func text(ofBridge bridge: Link) -> String {
    let ports = links.filter { $0.bridgeIndex == bridge.index }
    let guests = ports.count { InterfaceName.leaf(ofBackendEnd: $0.name) != nil }
    let others = ports.map(\.name).filter { InterfaceName.leaf(ofBackendEnd: $0) == nil }
    let address = bridge.address?.description ?? "no address"
    let uplinks = others.isEmpty ? "no uplink" : "uplink " + others.joined(separator: " ")
    return "\(address), mtu \(bridge.mtu), \(uplinks), guests' interfaces \(guests)"
  }

  private func text(ofLease lease: DHCPLease?) -> String {
    guard let lease else { return "dhcp: none yet" }
    let gateway = lease.router.map { " gateway \($0)" } ?? ""
    return "\(lease.address)\(gateway) from \(InternetAddress(v4: lease.server))"
  }
}
