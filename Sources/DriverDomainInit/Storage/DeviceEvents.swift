import CLinux
import Glibc
import RingTransport
import SystemPackage

/// Hears from the kernel that block devices came, went or changed (kobject uevents on netlink).
struct DeviceEvents: ~Copyable {
  let descriptor: OwnedFileDescriptor

  /// The kernel's buffer for one event is 2048 bytes of variables and the path
  /// (UEVENT_BUFFER_SIZE).
  private static let eventByteCountMax = 8192
  /// Events beyond this wait for the next turn of the loop.
  private static let eventCountMax = 256

  init() throws(Errno) {
    let number = try systemCall { c_open_uevent_socket() }
    descriptor = OwnedFileDescriptor(adopting: FileDescriptor(rawValue: number))
  }

  /// Takes what has come, and says whether block devices may have changed. When the kernel had
  /// to drop events they may have.
  mutating func drain() -> Bool {
    var concernsBlock = false
    for _ in 0..<Self.eventCountMax {
      var buffer = [UInt8](repeating: 0, count: Self.eventByteCountMax)
      var sender: UInt32 = 0
      // SAFETY: the call writes at most the given count into the buffer, and the sender.
      let count = unsafe buffer.withUnsafeMutableBytes { bytes in
        unsafe c_receive_uevent(descriptor.rawValue, bytes.baseAddress, bytes.count, &sender)
      }
      if count < 0 {
        if errno == EINTR { continue }
        return concernsBlock || errno == ENOBUFS
      }
      // Only the kernel has port 0; another sender is a process that plays udev.
      if sender == 0, Self.concernsBlock(buffer[..<count]) { concernsBlock = true }
    }
    return concernsBlock
  }

  /// Whether an event's variables, separated by NUL, name the block subsystem.
  static func concernsBlock(_ event: ArraySlice<UInt8>) -> Bool {
    event.split(separator: 0).contains { $0.elementsEqual("SUBSYSTEM=block".utf8) }
  }
}
