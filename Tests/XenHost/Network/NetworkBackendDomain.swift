/// A running driver domain with one of the host's passed-through network cards, which serves
/// guests' interfaces on its bridges: ours, or one with Linux's own backend to compare with.
public protocol NetworkBackendDomain: Sendable {
  /// The domain itself.
  var domain: Domain { get }
  /// The host that it runs on.
  var host: XenHost { get }
  /// QEMU's network behind the domain's card.
  var outside: OutsideNetwork { get }
  /// The address of the domain itself, where an iperf3 server is.
  func ownAddress() async throws -> String
}

extension NetworkBackendDomain {
  /// The bridge with the network card.
  public static var outsideBridge: String { "xenbr0" }
  /// A bridge without a card, for frames that QEMU's network does not take.
  public static var insideBridge: String { "inside" }
  /// The largest payload of a frame on ``insideBridge``, in bytes.
  public static var insideMTUBytes: Int { 9000 }

  /// The domain's directory in XenStore.
  public var directory: String { "/local/domain/\(domain.domid)" }

  /// The leaf of a guest's interface.
  public func leaf(of guest: Domain, device: Int = 0) -> String {
    "\(directory)/backend/vif/\(guest.domid)/\(device)"
  }

  /// An interface on the bridge to the outside.
  ///
  /// QEMU's DHCP server remembers 16 addresses for good: use few numbers, again and again.
  public func interface(_ number: Int, rate: String? = nil, addresses: String? = nil) -> Interface {
    Interface(
      mac: mac(number, network: 0), bridge: Self.outsideBridge, backend: domain.name, rate: rate,
      addresses: addresses)
  }

  /// An interface on the bridge without a card, for large frames.
  public func insideInterface(_ number: Int) -> Interface {
    Interface(
      mac: mac(number, network: 1), bridge: Self.insideBridge, backend: domain.name,
      mtuBytes: Self.insideMTUBytes)
  }

  private func mac(_ number: Int, network: Int) -> String {
    precondition(number < 10, "\(number) is no digit")
    return "00:16:3e:00:0\(network):0\(number)"
  }

  /// Lets this machine reach a port of a guest, until the host goes away.
  ///
  /// - Returns: the port of 127.0.0.1 here that leads to it.
  public func forward(to address: String, port: Int) async throws -> Int {
    let local = try LoopbackSocket.freePort()
    let command =
      "hostfwd_add \(outside.name) tcp:127.0.0.1:\(local)-\(address):\(port)"
    let reply = try await host.qmp(
      "human-monitor-command", arguments: "{\"command-line\": \"\(command)\"}")
    // The human monitor answers with the text of an error, or with nothing.
    guard reply.contains("\"return\": \"\"") else {
      throw XenHostError.monitorRefused(command: command, reply: reply)
    }
    return local
  }
}

/// A network of QEMU's own, behind a passed-through card.
public struct OutsideNetwork: Sendable {
  /// QEMU's name of it.
  public let name: String
  /// Where this machine's 127.0.0.1 is.
  public let address: String
  /// Where this machine's ::1 is.
  public let addressIPv6: String

  /// Behind ``XenHost/networkCard``.
  public static let first = OutsideNetwork(
    name: "net-a", address: "10.0.2.2", addressIPv6: "fd00:0:0:2::2")
  /// Behind ``XenHost/peerNetworkCard``.
  public static let second = OutsideNetwork(
    name: "net-b", address: "10.0.3.2", addressIPv6: "fd00:0:0:3::2")
}
