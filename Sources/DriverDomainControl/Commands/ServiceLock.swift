import CLinux
import Glibc
import RingTransport
import SystemPackage

/// Makes sure that no two services keep the same driver domain (`flock(2)`): the lock ends with the
/// process, however it ends.
struct ServiceLock: ~Copyable {
  private let file: OwnedFileDescriptor

  /// Takes the lock; throws `.wouldBlock` when another process has it.
  init(path: String) throws(Errno) {
    // SAFETY: the call copies the path.
    let number = try systemCall { unsafe c_open(path, O_RDWR | O_CREAT | O_CLOEXEC) }
    let file = OwnedFileDescriptor(adopting: FileDescriptor(rawValue: number))
    try systemCall { flock(number, LOCK_EX | LOCK_NB) }
    self.file = file
  }

  /// Marks the place until which the lock has to live.
  func keep() { _ = file.rawValue }
}
