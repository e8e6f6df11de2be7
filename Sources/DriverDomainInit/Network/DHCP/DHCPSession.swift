import RingTransport
import SystemPackage

/// A DHCP client on one bridge with its socket.
final class DHCPSession {
  let bridge: String
  let interfaceIndex: Int32
  let socket: DHCPSocket
  var client: DHCPClient<SystemRandomNumberGenerator>
  /// Whether the bridge had a carrier when it was looked at last.
  var hadCarrier = false

  /// Packets taken in one turn of the loop: a guest on the bridge can send any number of answers.
  private static let packetCountMax = 64

  init(bridge: String, interfaceIndex: Int32, address: HardwareAddress) throws(Errno) {
    self.bridge = bridge
    self.interfaceIndex = interfaceIndex
    socket = try DHCPSocket(interfaceIndex: interfaceIndex)
    client = DHCPClient(hardwareAddress: address, chance: SystemRandomNumberGenerator())
  }

  /// What to do after the messages that have come.
  func receive(now: UInt64) throws(Errno) -> [DHCPClient<SystemRandomNumberGenerator>.Action] {
    var actions: [DHCPClient<SystemRandomNumberGenerator>.Action] = []
    for _ in 0..<Self.packetCountMax {
      guard let (message, sender) = try socket.receive() else { break }
      actions += client.handle(.received(message, from: sender), now: now)
    }
    return actions
  }
}
