import CLinux
import Glibc
import RingTransport
import SystemPackage

/// Hears that network interfaces came, went or changed (rtnetlink's group `RTMGRP_LINK`).
struct LinkEvents: ~Copyable {
  let descriptor: OwnedFileDescriptor

  /// What is read at once is thrown away: the list of links is read anew in any case.
  private static let datagramByteCount = 8192
  /// Events beyond this wait for the next turn of the loop.
  private static let eventCountMax = 256

  init() throws(Errno) {
    let number = try systemCall { c_open_route_socket(c_route_group_link, 1, 0) }
    descriptor = OwnedFileDescriptor(adopting: FileDescriptor(rawValue: number))
  }

  /// Takes what has come, and says whether links may have changed. When the kernel had to drop
  /// events they may have.
  mutating func drain() -> Bool {
    var hasChanged = false
    var buffer = [UInt8](repeating: 0, count: Self.datagramByteCount)
    for _ in 0..<Self.eventCountMax {
      var sender: UInt32 = 0
      // SAFETY: the call writes at most the given count into the buffer, and the sender.
      let count = unsafe buffer.withUnsafeMutableBytes { bytes in
        unsafe c_receive_netlink(descriptor.rawValue, bytes.baseAddress, bytes.count, &sender)
      }
      if count < 0 {
        if errno == EINTR { continue }
        return hasChanged || errno == ENOBUFS
      }
      if sender == 0 { hasChanged = true }
    }
    return hasChanged
  }
}
