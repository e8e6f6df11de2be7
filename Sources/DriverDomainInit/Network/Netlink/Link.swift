import CLinux

/// A network interface as the kernel describes it (`RTM_NEWLINK`).
struct Link: Equatable {
  var index: Int32
  var name: String
  /// Whether it carries Ethernet frames, as bridges take them.
  var isEthernet = true
  /// Switched on by us; says nothing about the cable.
  var isUp = false
  /// Switched on, and the other end is there.
  var hasCarrier = false
  /// Bytes of payload in a frame.
  var mtu = 1500
  var address: HardwareAddress?
  /// The index of the bridge that it is a port of; 0 for none.
  var bridgeIndex: Int32 = 0
  /// What made it, as `bridge`, `tun` or `vlan`; nil for a device with a driver of its own.
  var kind: String?
  /// Frames that may wait to be sent.
  var transmitQueueLength = 0

  /// A NIC, real or passed through, and not something that the kernel makes up.
  var isPhysical: Bool { kind == nil && isEthernet }

  static let bridgeKind = "bridge"
  static let tapKind = "tun"

  /// `ARPHRD_ETHER` of net/if_arp.h.
  private static let ethernetType: UInt16 = 1
  /// `struct ifinfomsg`: family, padding, type, index, flags, mask of changes.
  static let fixedByteCount = 16
}

extension Link {
  /// Reads a message; nil for one that is not about a link.
  init?(_ message: NetlinkMessage) {
    let fields = LittleEndianBytes(message.payload)
    guard Int(message.type) == Int(RTM_NEWLINK), let type = fields.integer(at: 2, as: UInt16.self),
      let index = fields.integer(at: 4, as: UInt32.self),
      let flags = fields.integer(at: 8, as: UInt32.self)
    else { return nil }
    let attributes = message.attributes(behind: Self.fixedByteCount)
    guard let name = attributes.text(Int(IFLA_IFNAME)), !name.isEmpty else { return nil }
    self.index = Int32(bitPattern: index)
    self.name = name
    isEthernet = type == Self.ethernetType
    isUp = flags & c_link_flag_up != 0
    hasCarrier = isUp && flags & c_link_flag_carrier != 0
    mtu = Int(attributes.number(Int(IFLA_MTU)) ?? 0)
    address = attributes[Int(IFLA_ADDRESS)].flatMap { HardwareAddress($0) }
    bridgeIndex = Int32(bitPattern: attributes.number(Int(IFLA_MASTER)) ?? 0)
    kind = attributes.nested(Int(IFLA_LINKINFO))?.text(Int(IFLA_INFO_KIND))
    transmitQueueLength = Int(attributes.number(Int(IFLA_TXQLEN)) ?? 0)
  }
}
