import CLinux
import Glibc

/// How a process ended.
enum ProcessEnd: Equatable, CustomStringConvertible {
  case exited(code: Int32)
  case killed(signal: Int32)
  /// It never ran: the text says why.
  case notStarted(String)

  /// Reads the status of `waitpid(2)`.
  init(waitStatus: Int32) {
    if c_wait_exited(waitStatus) != 0 {
      self = .exited(code: c_wait_exit_code(waitStatus))
    } else {
      self = .killed(signal: c_wait_signal(waitStatus))
    }
  }

  var isSuccess: Bool { self == .exited(code: 0) }

  var description: String {
    switch self {
    case .exited(let code): "exit code \(code)"
    case .killed(SIGSYS): "signal \(SIGSYS), a system call that its sandbox does not allow"
    case .killed(let signal): "signal \(signal)"
    case .notStarted(let reason): "not started: \(reason)"
    }
  }
}
