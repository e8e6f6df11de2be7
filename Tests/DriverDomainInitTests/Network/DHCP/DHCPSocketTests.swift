import CLinux
import Glibc
import RingTransport
import SystemPackage
import Testing

@testable import DriverDomainInit

extension DHCPSocket {
  /// Sends a server's offer to anybody.
  func send(toClient address: HardwareAddress) throws {
    let request = DHCPMessage(transaction: 1, hardwareAddress: address)
    try sendAnswer(DHCPServer().reply(.offer, to: request))
  }

  /// Sends a packet from a server's port.
  func sendAnswer(_ message: DHCPMessage) throws {
    let datagram = DHCPDatagram(
      source: DHCPServer().address, destination: DHCPDatagram.broadcast, message: message)
    try sendRaw(DHCPServer.answer(datagram))
  }

  /// Sends any packet to everybody.
  func sendRaw(_ bytes: [UInt8]) throws {
    let everybody = HardwareAddress.broadcast.bytes
    var address = sockaddr_ll()
    var byteCount = socklen_t(MemoryLayout<sockaddr_ll>.size)
    // SAFETY: the calls read and write the bytes of our own variables and no more.
    let index = unsafe withUnsafeMutablePointer(to: &address) { pointer in
      unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { name in
        _ = unsafe getsockname(descriptor.rawValue, name, &byteCount)
      }
      return unsafe pointer.pointee.sll_ifindex
    }
    try systemCall {
      unsafe bytes.withUnsafeBytes { packet in
        unsafe everybody.withUnsafeBufferPointer {
          unsafe c_send_packet(
            descriptor.rawValue, index, $0.baseAddress, packet.baseAddress, packet.count)
        }
      }
    }
  }
}

@Suite(.enabled(if: NetworkNamespace.isPossible)) struct DHCPSocketTests {
  @Test func onlyAnswersOfServersAreHeard() throws {
    try NetworkNamespace.run {
      var control = try LinkControl()
      try NetworkNamespace.makeCable("a", "b")
      try control.apply([.bringUp("a"), .bringUp("b")])
      let links = try control.links()
      let a = try #require(links.first { $0.name == "a" })
      let b = try #require(links.first { $0.name == "b" })
      let client = try DHCPSocket(interfaceIndex: a.index)
      let server = try DHCPSocket(interfaceIndex: b.index)
      let address = try #require(a.address)
      // A request goes to the server's port, another protocol and nonsense go nowhere.
      var request = DHCPMessage(transaction: 1, hardwareAddress: address)
      request[.kind] = [1]
      try server.send(
        DHCPDatagram(source: 0, destination: DHCPDatagram.broadcast, message: request),
        to: .broadcast)
      try server.sendRaw([0x45])
      #expect(try client.receive() == nil)
      try server.sendAnswer(DHCPServer().reply(.offer, to: request))
      let (message, sender) = try #require(try client.receive())
      #expect(message.kind == .offer)
      #expect(sender == b.address)
      #expect(try client.receive() == nil)
    }
  }

  @Test func interfaceThatIsDownIsAnError() throws {
    try NetworkNamespace.run {
      try NetworkNamespace.makeCable("a", "b")
      var control = try LinkControl()
      let a = try #require(try control.links().first { $0.name == "a" })
      let client = try DHCPSocket(interfaceIndex: a.index)
      #expect(throws: Errno.networkDown) { try client.send(toClient: .broadcast) }
    }
  }
}
