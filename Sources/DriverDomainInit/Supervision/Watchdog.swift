import CLinux
import Glibc
import RingTransport
import SystemPackage

/// The kernel's watchdog (`/dev/watchdog`), under Xen the hypervisor's: it ends the domain when
/// nobody writes for a while.
struct Watchdog: ~Copyable {
  static let path = "/dev/watchdog"
  /// A pat costs a hypercall, and a domain that sleeps has to wake up for it.
  static let patMillisecondsMax: UInt64 = 2_000

  private let file: OwnedFileDescriptor
  private let patMilliseconds: UInt64
  /// When the next pat is due, in milliseconds of the monotonic clock.
  private(set) var nextDeadline: UInt64

  /// Opens it, which starts it.
  init(path: String = Self.path, seconds: Int, now: UInt64) throws(Errno) {
    let file = try OwnedFileDescriptor.open(FilePath(path), .writeOnly)
    try systemCall { c_set_watchdog_timeout(file.rawValue, Int32(seconds)) }
    self.file = file
    // Three chances within the time-out.
    patMilliseconds = min(UInt64(seconds) * 1000 / 3, Self.patMillisecondsMax)
    nextDeadline = now + patMilliseconds
  }

  /// Says that all is well.
  mutating func pat(now: UInt64) throws(Errno) {
    try write(0)
    nextDeadline = now + patMilliseconds
  }

  /// Has it stop when it is closed now (the "magic close" of the kernel's watchdog interface).
  func rest() {
    // When it is refused, the watchdog goes on, and ends a domain that is ending anyway.
    try? write(UInt8(ascii: "V"))
  }

  private func write(_ byte: UInt8) throws(Errno) {
    var byte = byte
    // SAFETY: the call reads one byte.
    try systemCall { unsafe Glibc.write(file.rawValue, &byte, 1) }
  }
}
