import CLinux
import Glibc
import RingTransport
import SimulatedXen
import SystemPackage

@testable import DriverDomainInit

/// A network of its own for a test, so that real links can be made.
enum NetworkNamespace {
  /// Why such tests are left out; nil where they can run.
  static let obstacle: String? = {
    guard geteuid() == 0 else { return "only root can have a network of its own" }
    guard Files.exists("/dev/net/tun") else { return "there is no /dev/net/tun" }
    var reason: String?
    do {
      try run {
        var control = try LinkControl()
        do throws(NetworkError) {
          try control.apply([.createBridge("br0"), .createTap("tap0")])
        } catch {
          reason = "\(error)"
        }
      }
    } catch {
      reason = "no network of its own: \(error)"
    }
    if let reason { print("tests with real links are left out: \(reason)") }
    return reason
  }()

  static var isPossible: Bool { obstacle == nil }

  /// Runs a body to its end on a thread of its own, which is in a network of its own. Links, and
  /// the end of the thread's network, are gone afterwards.
  static func run(_ body: @escaping () throws -> Void) throws {
    try onOwnThread {
      try systemCall { c_leave_network() }
      try body()
    }
  }

  /// A cable with an interface at each end.
  static func makeCable(_ one: String, _ other: String) throws {
    var socket = try NetlinkSocket()
    var request = NetlinkRequest(Int(RTM_NEWLINK), flags: NLM_F_CREATE | NLM_F_EXCL)
    for _ in 0..<4 { request.append(UInt32(0)) }
    request.attribute(Int(IFLA_IFNAME), text: one)
    request.nested(Int(IFLA_LINKINFO)) { information in
      information.attribute(Int(IFLA_INFO_KIND), text: "veth")
      information.nested(Int(IFLA_INFO_DATA)) { data in
        // VETH_INFO_PEER of linux/veth.h: a whole link of its own.
        data.nested(1) { peer in
          for _ in 0..<4 { peer.append(UInt32(0)) }
          peer.attribute(Int(IFLA_IFNAME), text: other)
        }
      }
    }
    try socket.perform(request, "make a cable")
  }
}
