import Glibc
import RingTransport
import SystemPackage

/// `ddctl logs`: a domain's console as xenconsoled records it (`xenconsoled --log=guest`).
struct LogsCommand {
  let name: String
  let follows: Bool

  /// What is shown of what was there before, in bytes.
  private static let tailByteCount = 65_536
  private static let pollMicroseconds: UInt32 = 200_000

  private var path: String { "/var/log/xen/console/guest-\(name).log" }

  /// Copies the log to standard output; gives the exit code.
  func run() -> Int32 {
    do throws(Errno) {
      let file = try OwnedFileDescriptor.open(FilePath(path), .readOnly)
      let descriptor = file.rawValue
      let size = try systemCall { lseek(descriptor, 0, Int32(SEEK_END)) }
      try systemCall { lseek(descriptor, max(0, size - Self.tailByteCount), Int32(SEEK_SET)) }
      var buffer = [UInt8](repeating: 0, count: 4096)
      while true {
        // SAFETY: the call writes inside the buffer only.
        let count = try systemCall {
          unsafe buffer.withUnsafeMutableBytes {
            unsafe read(descriptor, $0.baseAddress, $0.count)
          }
        }
        if count == 0 {
          if !follows { return 0 }
          usleep(Self.pollMicroseconds)
          continue
        }
        // SAFETY: the call reads the bytes that were just read, and no more.
        try systemCall {
          unsafe buffer[..<count].withUnsafeBytes { unsafe write(1, $0.baseAddress, $0.count) }
        }
      }
    } catch {
      print(
        "ddctl: \(path): \(error). xenconsoled records consoles when it is started with "
          + "--log=guest (in Debian's /etc/default/xen: XENCONSOLED_ARGS=--log=guest), from a "
          + "domain's start on. "
          + "The console itself: xl console \(name)")
      return 1
    }
  }
}
