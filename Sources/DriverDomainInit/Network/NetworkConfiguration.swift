/// What the administrator can choose about the network.
struct NetworkConfiguration: Equatable {
  /// A NIC by the kernel's name or by its address, which stays when the order of NICs changes.
  enum Uplink: Hashable, CustomStringConvertible {
    case name(String)
    case address(HardwareAddress)

    var description: String {
      switch self {
      case .name(let name): name
      case .address(let address): address.description
      }
    }

    /// Whether a link is meant. A bridge or a TAP device may have a NIC's address too.
    func matches(_ link: Link) -> Bool {
      switch self {
      case .name(let name): link.name == name
      case .address(let address): link.isPhysical && link.address == address
      }
    }
  }

  /// `driver_domain.bridge=NAME:UPLINK,...`
  struct Bridge: Equatable {
    var name: String
    var uplinks: [Uplink]
  }

  /// `driver_domain.uplink=NAME:packet:INTERFACE`: guests on this "bridge" send and receive on
  /// the interface itself, without a bridge.
  struct DirectUplink: Equatable {
    /// How the backend reaches the interface.
    enum Method: String, CaseIterable {
      case packet
      case pcap
    }

    var method: Method
    var interface: String
  }

  /// `driver_domain.address=BRIDGE:...`: an address of the domain itself.
  struct Address: Equatable {
    enum Source: Equatable {
      case dhcp
      case fixed(InterfaceAddress, gateway: InternetAddress?)
    }

    var bridge: String
    var source: Source
  }

  var bridges: [Bridge] = []
  /// By bridge.
  var mtus: [String: Int] = [:]
  /// By the name that a vif gives as its bridge.
  var directUplinks: [String: DirectUplink] = [:]
  var addresses: [Address] = []
  /// `driver_domain.filter`, for all vifs that have none of their own.
  var filter: String?
  /// `driver_domain.filter.AA-BB-CC-DD-EE-FF`, by the vif's address.
  var filters: [HardwareAddress: String] = [:]

  /// The bridge of a vif that names none, as libxl has it.
  static let defaultBridge = "xenbr0"
  /// The least that every IPv4 host takes, and the most of a TAP device (`MAX_MTU` less the
  /// Ethernet header, in Linux drivers/net/tun.c).
  static let mtuRange = 576...65521

  /// The filter of the vif with an address.
  func filter(for address: HardwareAddress) -> String? {
    filters[address] ?? filter
  }

  /// Whether the domain itself is to speak IPv6 on a bridge.
  func usesIPv6(on bridge: String) -> Bool {
    addresses.contains { address in
      guard address.bridge == bridge, case .fixed(let fixed, _) = address.source else {
        return false
      }
      return fixed.address.isIPv6
    }
  }
}
