import CLinux
import Glibc
import RingTransport
import SystemPackage

/// Signals as input of the event loop (`signalfd(2)`).
struct Signals: ~Copyable {
  let descriptor: OwnedFileDescriptor

  /// What init reacts to: a child ended, power off, restart. The kernel sends SIGINT to PID 1
  /// for Ctrl-Alt-Del, so a restart is what everybody takes it for.
  static let handled = [SIGCHLD, SIGTERM, SIGINT]

  /// Blocks the signals and opens the descriptor.
  init() throws(Errno) {
    var set = sigset_t()
    // SAFETY: the set is ours, initialised by the first call before the others use it.
    unsafe sigemptyset(&set)
    for signal in Self.handled { unsafe sigaddset(&set, signal) }
    unsafe sigprocmask(SIG_BLOCK, &set, nil)
    // A peer that went away is an error of write(2), not the end of init.
    signal(SIGPIPE, SIG_IGN)
    let flags = Int32(SFD_CLOEXEC | SFD_NONBLOCK)
    // SAFETY: the call copies the set.
    let number = try systemCall { unsafe signalfd(-1, &set, flags) }
    descriptor = OwnedFileDescriptor(adopting: FileDescriptor(rawValue: number))
  }

  /// The next signal that has come, or nil. Several of one kind may have been folded into one.
  mutating func next() -> Int32? {
    var info = signalfd_siginfo()
    let byteCount = MemoryLayout<signalfd_siginfo>.size
    // SAFETY: the call writes at most the structure's size into it.
    let count = unsafe read(descriptor.rawValue, &info, byteCount)
    return count == byteCount ? Int32(info.ssi_signo) : nil
  }

  /// The next ended child, or nil when none has ended (`waitpid(2)`).
  static func reap() -> (process: pid_t, end: ProcessEnd)? {
    var status: Int32 = 0
    // SAFETY: the call writes the status only.
    let process = unsafe waitpid(-1, &status, WNOHANG)
    return process > 0 ? (process, ProcessEnd(waitStatus: status)) : nil
  }
}
