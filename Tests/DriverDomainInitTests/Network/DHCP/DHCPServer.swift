@testable import DriverDomainInit

/// Answers of a server, as a test wants them.
struct DHCPServer {
  var address: UInt32 = 0xC000_0201
  var lends: UInt32 = 0xC000_0207
  var seconds: UInt32 = 3600
  let hardwareAddress = HardwareAddress([2, 0, 0, 0, 0, 0xFE]) ?? .broadcast

  /// An answer to a message of a client.
  func reply(_ kind: DHCPMessage.Kind, to request: DHCPMessage) -> DHCPMessage {
    var reply = DHCPMessage(
      transaction: request.transaction, hardwareAddress: request.hardwareAddress)
    reply.isReply = true
    reply[.kind] = [kind.rawValue]
    reply.set(.server, address)
    if kind == .refuse { return reply }
    reply.yourAddress = lends
    reply.set(.subnetMask, 0xFFFF_FF00)
    reply.set(.routers, address)
    reply.set(.leaseSeconds, seconds)
    return reply
  }

  /// The same as a packet. The client's packets with the ports changed: sums do not notice.
  static func answer(_ datagram: DHCPDatagram) -> [UInt8] {
    var bytes = datagram.encoded
    bytes.swapAt(21, 23)
    return bytes
  }
}
