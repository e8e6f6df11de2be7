import CLinux
import Glibc

/// The requests of init, each with the attributes that it needs (linux/if_link.h, if_addr.h and
/// rtnetlink.h).
extension NetlinkRequest {
  /// All links.
  static var listLinks: NetlinkRequest {
    linkRequest(Int(RTM_GETLINK), index: 0)
  }

  /// A bridge that forwards at once: no spanning tree, and no delay for new ports.
  static func createBridge(_ name: String) -> NetlinkRequest {
    var request = linkRequest(Int(RTM_NEWLINK), index: 0, flags: NLM_F_CREATE | NLM_F_EXCL)
    request.attribute(Int(IFLA_IFNAME), text: name)
    request.nested(Int(IFLA_LINKINFO)) { information in
      information.attribute(Int(IFLA_INFO_KIND), text: Link.bridgeKind)
      information.nested(Int(IFLA_INFO_DATA)) { data in
        data.attribute(Int(IFLA_BR_FORWARD_DELAY), number: 0)
        data.attribute(Int(IFLA_BR_STP_STATE), number: 0)
      }
    }
    return request
  }

  static func deleteLink(_ index: Int32) -> NetlinkRequest {
    linkRequest(Int(RTM_DELLINK), index: index)
  }

  static func bringUp(_ index: Int32) -> NetlinkRequest {
    linkRequest(
      Int(RTM_NEWLINK), index: index, linkFlags: c_link_flag_up, linkFlagsMask: c_link_flag_up)
  }

  static func takeDown(_ index: Int32) -> NetlinkRequest {
    linkRequest(Int(RTM_NEWLINK), index: index, linkFlagsMask: c_link_flag_up)
  }

  /// Makes the link a port of a bridge, or of none with index 0.
  static func setBridge(_ bridgeIndex: Int32, ofLink index: Int32) -> NetlinkRequest {
    var request = linkRequest(Int(RTM_NEWLINK), index: index)
    request.attribute(Int(IFLA_MASTER), number: UInt32(bitPattern: bridgeIndex))
    return request
  }

  static func setMTU(_ mtu: Int, ofLink index: Int32) -> NetlinkRequest {
    var request = linkRequest(Int(RTM_NEWLINK), index: index)
    request.attribute(Int(IFLA_MTU), number: UInt32(mtu))
    return request
  }

  static func setAddress(_ address: HardwareAddress, ofLink index: Int32) -> NetlinkRequest {
    var request = linkRequest(Int(RTM_NEWLINK), index: index)
    request.attribute(Int(IFLA_ADDRESS), address.bytes)
    return request
  }

  static func setTransmitQueueLength(_ length: Int, ofLink index: Int32) -> NetlinkRequest {
    var request = linkRequest(Int(RTM_NEWLINK), index: index)
    request.attribute(Int(IFLA_TXQLEN), number: UInt32(length))
    return request
  }

  /// Gives the link an address of its own, in place of the same with other properties.
  static func addAddress(_ address: InterfaceAddress, toLink index: Int32) -> NetlinkRequest {
    addressRequest(
      Int(RTM_NEWADDR), address, index: index, flags: NLM_F_CREATE | NLM_F_REPLACE)
  }

  static func removeAddress(_ address: InterfaceAddress, ofLink index: Int32) -> NetlinkRequest {
    addressRequest(Int(RTM_DELADDR), address, index: index, flags: 0)
  }

  /// Sends what has no other route through a gateway, in place of an earlier one of this link.
  static func addDefaultRoute(
    gateway: InternetAddress, link index: Int32
  ) -> NetlinkRequest {
    defaultRoute(Int(RTM_NEWROUTE), gateway, index: index, flags: NLM_F_CREATE | NLM_F_REPLACE)
  }

  static func removeDefaultRoute(
    gateway: InternetAddress, link index: Int32
  ) -> NetlinkRequest {
    defaultRoute(Int(RTM_DELROUTE), gateway, index: index, flags: 0)
  }

  /// `struct ifinfomsg`.
  private static func linkRequest(
    _ type: Int, index: Int32, flags: Int32 = 0, linkFlags: UInt32 = 0, linkFlagsMask: UInt32 = 0
  ) -> NetlinkRequest {
    var request = NetlinkRequest(type, flags: flags)
    request.append(UInt8(AF_UNSPEC))
    request.append(UInt8(0))
    request.append(UInt16(0))
    request.append(index)
    request.append(linkFlags)
    request.append(linkFlagsMask)
    return request
  }

  /// `struct ifaddrmsg`: family, prefix, flags, scope, index.
  private static func addressRequest(
    _ type: Int, _ address: InterfaceAddress, index: Int32, flags: Int32
  ) -> NetlinkRequest {
    var request = NetlinkRequest(type, flags: flags)
    request.append(address.address.family)
    request.append(UInt8(address.prefixLength))
    request.append(UInt8(0))
    request.append(UInt8(0))
    request.append(index)
    request.attribute(Int(IFA_LOCAL), address.address.bytes)
    request.attribute(Int(IFA_ADDRESS), address.address.bytes)
    if let broadcast = address.broadcast {
      request.attribute(Int(IFA_BROADCAST), broadcast.bytes)
    }
    return request
  }

  /// `struct rtmsg`: family, lengths of both prefixes, service, table, protocol, scope, type,
  /// flags.
  private static func defaultRoute(
    _ type: Int, _ gateway: InternetAddress, index: Int32, flags: Int32
  ) -> NetlinkRequest {
    var request = NetlinkRequest(type, flags: flags)
    request.append(gateway.family)
    request.append(UInt8(0))
    request.append(UInt8(0))
    request.append(UInt8(0))
    request.append(mainTable)
    request.append(staticProtocol)
    request.append(UInt8(0))
    request.append(unicastRoute)
    request.append(UInt32(0))
    request.attribute(Int(RTA_GATEWAY.rawValue), gateway.bytes)
    request.attribute(Int(RTA_OIF.rawValue), number: UInt32(bitPattern: index))
    // Bridges with a gateway each do not take one another's route away; the oldest wins.
    request.attribute(Int(RTA_PRIORITY.rawValue), number: UInt32(bitPattern: index))
    return request
  }

  /// `RT_TABLE_MAIN`, `RTPROT_STATIC` and `RTN_UNICAST` of linux/rtnetlink.h.
  private static let mainTable: UInt8 = 254
  private static let staticProtocol: UInt8 = 4
  private static let unicastRoute: UInt8 = 1
}
