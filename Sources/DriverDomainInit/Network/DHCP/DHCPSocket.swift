import CLinux
import Glibc
import RingTransport
import SystemPackage

/// The packet socket of a DHCP client on one interface (`packet(7)`).
struct DHCPSocket: ~Copyable {
  let descriptor: OwnedFileDescriptor
  private let interfaceIndex: Int32

  /// An Ethernet frame's payload; a longer answer is no DHCP answer.
  private static let packetByteCountMax = 2048

  init(interfaceIndex: Int32) throws(Errno) {
    let number = try systemCall { c_open_dhcp_socket(interfaceIndex) }
    descriptor = OwnedFileDescriptor(adopting: FileDescriptor(rawValue: number))
    self.interfaceIndex = interfaceIndex
  }

  /// Sends one packet. What cannot be sent now is lost; the client repeats it.
  func send(_ datagram: DHCPDatagram, to address: HardwareAddress) throws(Errno) {
    let bytes = datagram.encoded
    let addressBytes = address.bytes
    try systemCall {
      // SAFETY: the call reads the packet's bytes and the six of the address, and no more.
      unsafe bytes.withUnsafeBytes { packet in
        unsafe addressBytes.withUnsafeBufferPointer {
          unsafe c_send_packet(
            descriptor.rawValue, interfaceIndex, $0.baseAddress, packet.baseAddress, packet.count)
        }
      }
    }
  }

  /// The next packet that has come and is a DHCP answer, or nil when none is left. The kernel's
  /// queue is bounded, so at most that much of nonsense is skipped.
  func receive() throws(Errno) -> (message: DHCPMessage, sender: HardwareAddress)? {
    var buffer = [UInt8](repeating: 0, count: Self.packetByteCountMax)
    var sender = [UInt8](repeating: 0, count: HardwareAddress.byteCount)
    while true {
      let count = try nonBlockingSystemCall {
        // SAFETY: the call writes at most the given count into the buffer, and six bytes.
        unsafe buffer.withUnsafeMutableBytes { bytes in
          unsafe sender.withUnsafeMutableBufferPointer {
            unsafe c_receive_packet(
              descriptor.rawValue, bytes.baseAddress, bytes.count, $0.baseAddress)
          }
        }
      }
      guard let count else { return nil }
      guard count <= buffer.count, let datagram = DHCPDatagram(buffer[..<count]),
        let address = HardwareAddress(sender)
      else { continue }
      return (datagram.message, address)
    }
  }
}
