import CLinux
import Glibc
import RingTransport
import SystemPackage

/// Makes sure that no two services keep the same driver domain (`flock(2)`): the lock ends with the
/// process, however it ends.
struct ServiceLock: ~Copyable {
  private let file: OwnedFileDescriptor

  /// How long somebody else may have it: a child of a service that was killed, which destroys a
  /// domain in the hypervisor, has the lock until it is done.
  static let waitMilliseconds: UInt64 = 10_000
  private static let pollMicroseconds: UInt32 = 20_000

  /// Takes the lock; throws `.wouldBlock` when another process has it and keeps it.
  init(path: String, waitMilliseconds: UInt64 = Self.waitMilliseconds) throws(Errno) {
    // SAFETY: the call copies the path.
    let number = try systemCall { unsafe c_open(path, O_RDWR | O_CREAT | O_CLOEXEC) }
    let file = OwnedFileDescriptor(adopting: FileDescriptor(rawValue: number))
    let end = MonotonicClock.milliseconds() + waitMilliseconds
    while true {
      do throws(Errno) {
        try systemCall { flock(number, LOCK_EX | LOCK_NB) }
        break
      } catch {
        if error != .wouldBlock || MonotonicClock.milliseconds() >= end { throw error }
        usleep(Self.pollMicroseconds)
      }
    }
    self.file = file
  }

  /// Marks the place until which the lock has to live.
  func keep() { _ = file.rawValue }
}
