import Glibc
import SystemPackage

/// The console of the domain, which is where PID 1 and all backends write their logs.
enum Console {
  /// Opens the console for the log of PID 1, or gives standard error when there is none.
  ///
  /// It is opened non-blocking: when Dom0's console daemon stands still a line is lost, and PID 1
  /// goes on.
  static func open(_ path: String = "/dev/console") -> FileDescriptor {
    let options = FileDescriptor.OpenOptions(rawValue: O_NONBLOCK | O_NOCTTY | O_CLOEXEC)
    let console = try? FileDescriptor.open(FilePath(path), .writeOnly, options: options)
    return console ?? .standardError
  }
}
