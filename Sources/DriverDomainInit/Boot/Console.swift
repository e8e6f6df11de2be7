import CLinux
import Glibc
import RingTransport
import SystemPackage

/// The console of the domain, which is where PID 1 and all backends write their logs.
///
/// Under Xen a line takes milliseconds, for each one is a conversation with Dom0, and a guest may
/// wait for whoever writes it. So lines go into a pipe, and a thread that comes last where the
/// processor is scarce carries them to the console. Whoever writes opens the pipe for itself and
/// non-blocking: when Dom0's console daemon stands still and the pipe is full, lines are lost, and
/// all go on.
struct Console {
  /// Where PID 1 writes. Never closed.
  let log: FileDescriptor
  /// What others open to write.
  let path: String
  /// Nil where all write to the console itself.
  private let relay: Relay?

  /// How long ``drain()`` waits for a console that stands still.
  private static let drainMicrosecondsMax: UInt32 = 200_000
  private static let drainStepMicroseconds: UInt32 = 2_000

  /// Opens the console, or gives standard error when there is none.
  ///
  /// Called by PID 1 before it takes precedence over other processes, which its threads inherit.
  static func open(_ path: String = "/dev/console") -> Console {
    let options = FileDescriptor.OpenOptions(rawValue: O_NOCTTY | O_CLOEXEC)
    do throws(Errno) {
      let console = try OwnedFileDescriptor.open(FilePath(path), .writeOnly, options: options)
      return try relay(to: console)
    } catch {
      return Console(log: .standardError, path: path, relay: nil)
    }
  }

  /// Starts the thread, which has the console from now on.
  private static func relay(to console: consuming OwnedFileDescriptor) throws(Errno) -> Console {
    var ends: [Int32] = [-1, -1]
    // SAFETY: the call writes two numbers into the array of ours.
    try systemCall {
      unsafe ends.withUnsafeMutableBufferPointer { unsafe c_make_pipe($0.baseAddress) }
    }
    let (source, target) = (ends[0], ends[1])
    try systemCall { fcntl(target, F_SETFL, O_NONBLOCK) }
    let relay = try Relay(source: source, console: console.release().rawValue)
    try relay.start()
    return Console(
      log: FileDescriptor(rawValue: target), path: "/proc/\(getpid())/fd/\(target)", relay: relay)
  }

  /// Waits, not for long, until everything that was written is on the console: the domain is about
  /// to end.
  func drain() {
    guard let relay else { return }
    relay.hurry.signal()
    var microseconds: UInt32 = 0
    repeat {
      // Also after the last line has left the pipe, for it is on its way then.
      usleep(Self.drainStepMicroseconds)
      microseconds += Self.drainStepMicroseconds
    } while c_waiting_byte_count(relay.source) > 0 && microseconds < Self.drainMicrosecondsMax
  }
}

/// The thread that carries lines to the console. It lives as long as the process.
private final class Relay: Sendable {
  /// The pipe's end.
  let source: Int32
  /// Signalled when lines are not to be gathered any more.
  let hurry: WakeUp
  private let console: Int32

  /// How long lines are gathered: to wake Dom0 costs more than to tell it one line more. Those
  /// about a death come to the console when the device has been taken over.
  private static let gatheringMilliseconds: Int32 = 250

  init(source: Int32, console: Int32) throws(Errno) {
    hurry = try WakeUp()
    self.source = source
    self.console = console
  }

  func start() throws(Errno) {
    // A signal that the thread took would not come to the event loop.
    var all = sigset_t()
    var before = sigset_t()
    // SAFETY: both structures are ours, and the calls fill them and copy them.
    unsafe sigfillset(&all)
    unsafe pthread_sigmask(SIG_BLOCK, &all, &before)
    defer { unsafe pthread_sigmask(SIG_SETMASK, &before, nil) }
    _ = try ServiceThread.start { [self] in run() }
  }

  private static func wait(for descriptor: Int32, timeoutMilliseconds: Int32) {
    var entry = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
    // SAFETY: one entry of ours, for the time of the call.
    unsafe _ = poll(&entry, 1, timeoutMilliseconds)
  }

  private func run() {
    Urgency.reporting.apply()
    var bytes = [UInt8](repeating: 0, count: 4096)
    while true {
      Self.wait(for: source, timeoutMilliseconds: -1)
      Self.wait(for: hurry.descriptor, timeoutMilliseconds: Self.gatheringMilliseconds)
      // SAFETY: the calls write into the array, and read what was written, and no more.
      unsafe bytes.withUnsafeMutableBytes { buffer in
        let count = unsafe read(source, buffer.baseAddress, buffer.count)
        var written = 0
        while written < count, let start = buffer.baseAddress {
          let result = unsafe write(console, start + written, count - written)
          // A console that is gone takes nothing more.
          if result <= 0 { break }
          written += result
        }
      }
    }
  }
}
