/// What has to be done about bridges and their uplinks. It does no I/O: the configuration and the
/// links that are there in, changes out.
struct BridgePlan: Equatable {
  /// A bridge as it is wanted now, its uplinks being the links that are there.
  struct Wanted: Equatable {
    var name: String
    var uplinks: [Link]
    var mtu: Int?
    /// The domain itself speaks IPv6 there.
    var usesIPv6: Bool
  }

  /// The bridges, with the changes that each needs.
  var bridges: [(wanted: Wanted, changes: [LinkChange])] = []
  /// Interfaces without a bridge, with the changes that each needs.
  var directUplinks: [(interface: String, changes: [LinkChange])] = []

  static func == (left: BridgePlan, right: BridgePlan) -> Bool {
    left.bridges.map(\.wanted) == right.bridges.map(\.wanted)
      && left.bridges.map(\.changes) == right.bridges.map(\.changes)
      && left.directUplinks.map(\.interface) == right.directUplinks.map(\.interface)
      && left.directUplinks.map(\.changes) == right.directUplinks.map(\.changes)
  }

  /// Makes the plan.
  ///
  /// - Parameter choosesUplink: whether a NIC that nobody named becomes the uplink of the default
  ///   bridge. A full distribution has other uses for it.
  init(_ configuration: NetworkConfiguration, links: [Link], choosesUplink: Bool) {
    for bridge in Self.bridges(configuration, links, choosesUplink: choosesUplink) {
      let uplinks = links.filter { link in bridge.uplinks.contains { $0.matches(link) } }
      let wanted = Wanted(
        name: bridge.name, uplinks: uplinks, mtu: configuration.mtus[bridge.name],
        usesIPv6: configuration.usesIPv6(on: bridge.name))
      bridges.append((wanted, Self.changes(for: wanted, links: links)))
    }
    for direct in configuration.directUplinks.values.sorted(by: { $0.interface < $1.interface }) {
      guard let link = links.first(where: { $0.name == direct.interface }) else { continue }
      let changes: [LinkChange] =
        link.isUp ? [] : [.setIPv6(link.name, isOn: false), .bringUp(link.name)]
      directUplinks.append((link.name, changes))
    }
  }

  /// The configured bridges; without any, the default one with the first NIC.
  static func bridges(
    _ configuration: NetworkConfiguration, _ links: [Link], choosesUplink: Bool
  ) -> [NetworkConfiguration.Bridge] {
    if !configuration.bridges.isEmpty || !choosesUplink { return configuration.bridges }
    let direct = Set(configuration.directUplinks.values.map(\.interface))
    let candidates = links.filter { $0.isPhysical && !direct.contains($0.name) }
    // Once chosen it stays: a second uplink that comes back later could close a loop.
    let bridge = links.first { $0.name == NetworkConfiguration.defaultBridge }
    let chosen = candidates.filter { $0.bridgeIndex == bridge?.index }
    let names = (chosen.isEmpty ? candidates : chosen).map(\.name)
    guard let first = names.min(by: InterfaceName.precedes) else { return [] }
    return [.init(name: NetworkConfiguration.defaultBridge, uplinks: [.name(first)])]
  }

  /// The changes that lead from the links that are there to a bridge with its uplinks.
  static func changes(for wanted: Wanted, links: [Link]) -> [LinkChange] {
    let present = links.first { $0.name == wanted.name }
    var changes: [LinkChange] = []
    if present == nil {
      changes += [
        .createBridge(wanted.name), .setIPv6(wanted.name, isOn: wanted.usesIPv6),
      ]
    }
    for uplink in wanted.uplinks {
      if let mtu = wanted.mtu, mtu != uplink.mtu { changes.append(.setMTU(uplink.name, mtu)) }
      if present == nil || uplink.bridgeIndex != present?.index {
        changes += [
          .setIPv6(uplink.name, isOn: false), .attach(uplink.name, bridge: wanted.name),
        ]
      }
      if !uplink.isUp { changes.append(.bringUp(uplink.name)) }
    }
    // The bridge would take the lowest address of all its ports, which changes with them.
    if let address = wanted.uplinks.first?.address, address != present?.address {
      changes.append(.setAddress(wanted.name, address))
    }
    // A bridge whose MTU nobody set follows its smallest port, a guest's interface for one.
    let mtu = wanted.mtu ?? wanted.uplinks.map(\.mtu).min()
    if let mtu, mtu != present?.mtu { changes.append(.setMTU(wanted.name, mtu)) }
    if present?.isUp != true { changes.append(.bringUp(wanted.name)) }
    return changes
  }
}
