import RingTransport

/// One guest's interface: what the toolstack wants of it, and how the backend's end is made.
struct InterfacePlan: Equatable {
  /// The nodes of the leaf that init reads, in this order.
  static let nodeNames = ["bridge", "mac", "mtu", "script", "vlan", "gatewaydev", "forwarddev"]

  /// Frames that wait for a guest that does not take them. The default of a TAP, 500 of 64 KiB each
  /// with segmentation offload, would let one guest pin 32 MB; 128 are 8 MB.
  static let transmitQueueLength = 128

  var leaf: BackendLeaf
  var bridge: String
  var address: HardwareAddress
  /// Nil leaves it to the bridge.
  var mtu: Int?

  /// Reads the leaf's nodes, nil for those that are missing.
  ///
  /// What is configured and cannot be done is refused, not ignored: a guest in the wrong network is
  /// worse than one without.
  init(_ leaf: BackendLeaf, nodes: [String: String]) throws(InterfaceRefusal) {
    self.leaf = leaf
    for name in ["vlan", "gatewaydev", "forwarddev"] {
      if let value = nodes[name], !value.isEmpty {
        throw .unsupported(key: name, value: value)
      }
    }
    let script = nodes["script"] ?? ""
    guard script.isEmpty || script.split(separator: "/").last == "vif-bridge" else {
      throw .unsupported(key: "script", value: script)
    }
    let given = nodes["bridge"] ?? ""
    bridge = given.isEmpty ? NetworkConfiguration.defaultBridge : given
    guard InterfaceName.isValid(bridge), InterfaceName.leaf(ofBackendEnd: bridge) == nil else {
      throw .noValue(key: "bridge", value: bridge)
    }
    guard let address = HardwareAddress(nodes["mac"] ?? "") else {
      throw .noValue(key: "mac", value: nodes["mac"] ?? "")
    }
    self.address = address
    if let text = nodes["mtu"], !text.isEmpty {
      guard let mtu = Int(text), NetworkConfiguration.mtuRange.contains(mtu) else {
        throw .noValue(key: "mtu", value: text)
      }
      self.mtu = mtu
    }
  }

  /// The changes that make the TAP device `name` a port of its bridge, up. `bridge` is nil when
  /// there is none yet.
  func changes(tap name: String, bridge: Link?, configuredMTU: Int?) -> [LinkChange] {
    var changes: [LinkChange] = []
    if bridge == nil {
      changes += [
        .createBridge(self.bridge), .setIPv6(self.bridge, isOn: false), .bringUp(self.bridge),
      ]
      if let configuredMTU { changes.append(.setMTU(self.bridge, configuredMTU)) }
    }
    changes += [
      .createTap(name), .setIPv6(name, isOn: false), .setAddress(name, .backendEnd),
      .setTransmitQueueLength(name, Self.transmitQueueLength),
    ]
    if let mtu = mtu ?? configuredMTU ?? bridge?.mtu { changes.append(.setMTU(name, mtu)) }
    changes += [.attach(name, bridge: self.bridge), .bringUp(name)]
    return changes
  }

  /// TAP devices of guests' interfaces that no leaf stands for, left by an earlier init.
  static func stale(_ links: [Link], leaves: [BackendLeaf]) -> [LinkChange] {
    let known = Set(leaves)
    return links.filter { link in
      guard link.kind == Link.tapKind, let leaf = InterfaceName.leaf(ofBackendEnd: link.name)
      else { return false }
      return !known.contains(leaf)
    }.map { .remove($0.name) }
  }
}

/// Why a guest's interface cannot be served.
enum InterfaceRefusal: Error, Equatable, CustomStringConvertible {
  case unsupported(key: String, value: String)
  case noValue(key: String, value: String)
  case nameTooLong(BackendLeaf)
  case tooManyBridges(Int)
  case bridge(String)
  case network(NetworkError)

  var description: String {
    switch self {
    case .unsupported(let key, let value):
      "\(key)=\(value) is not supported by this driver domain; guests' interfaces are ports of a "
        + "bridge: use bridge=NAME alone"
    case .noValue(let key, let value):
      "the interface's '\(key)' node says '\(value)', which is no value"
    case .nameTooLong(let leaf):
      "the number of \(leaf) is too long for the name of a network interface"
    case .tooManyBridges(let count):
      "there are \(count) bridges already; name an existing one"
    case .bridge(let reason): reason
    case .network(let error): "\(error)"
    }
  }
}
