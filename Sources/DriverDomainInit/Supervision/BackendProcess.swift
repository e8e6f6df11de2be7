import RingTransport
import CLinux
import Glibc
import SystemPackage

/// Starts backend processes (`posix_spawn(3)`).
struct BackendProcess {
  /// What standard error of the process is; standard input and output are empty.
  var errorPath: String?

  /// Where a process finds its leaf's ``StatusMemory``, and a spare its orders.
  static let statusDescriptor: Int32 = 3
  static let ordersDescriptor: Int32 = 4
  /// Where a process that is no spare finds the queues of its TAP device, from this number on.
  static let queueDescriptor: Int32 = 4

  /// A crash must end the process at once: a backtrace costs the guest time, and an image has no
  /// symbols for it.
  private static let environment = ["PATH=/bin", "SWIFT_BACKTRACE=enable=no"]

  /// A descriptor of ours that a process gets, and the number by which it knows it.
  struct Passed {
    var descriptor: Int32
    /// ``statusDescriptor``, ``ordersDescriptor``, or from ``queueDescriptor`` on.
    var number: Int32
  }

  /// Starts one, in its own process group, with all signals as they are by default, and no
  /// descriptor but the standard ones and those passed.
  func start(_ command: BackendCommand, passing passed: [Passed] = []) throws(Errno) -> pid_t {
    var attributes = posix_spawnattr_t()
    // SAFETY: both are initialised here, before any use, and destroyed once below.
    var actions = unsafe posix_spawn_file_actions_t()
    unsafe posix_spawnattr_init(&attributes)
    unsafe posix_spawn_file_actions_init(&actions)
    defer {
      // SAFETY: as above.
      unsafe posix_spawnattr_destroy(&attributes)
      unsafe posix_spawn_file_actions_destroy(&actions)
    }
    var noSignals = sigset_t()
    var allSignals = sigset_t()
    // SAFETY: all three structures are ours, and the calls copy the sets.
    unsafe sigemptyset(&noSignals)
    unsafe sigfillset(&allSignals)
    unsafe posix_spawnattr_setsigmask(&attributes, &noSignals)
    unsafe posix_spawnattr_setsigdefault(&attributes, &allSignals)
    unsafe posix_spawnattr_setpgroup(&attributes, 0)
    let flags = POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP
    unsafe posix_spawnattr_setflags(&attributes, Int16(flags))
    // SAFETY: the actions copy the paths. Descriptors of ours are close-on-exec; this makes sure.
    // The passed ones come first, for the others may take their numbers; and by way of numbers that
    // none of them has, for they may have each other's.
    let free = (passed.flatMap { [$0.descriptor, $0.number] }.max() ?? 2) + 1
    for (index, passed) in passed.enumerated() {
      unsafe posix_spawn_file_actions_adddup2(&actions, passed.descriptor, free + Int32(index))
    }
    for (index, passed) in passed.enumerated() {
      unsafe posix_spawn_file_actions_adddup2(&actions, free + Int32(index), passed.number)
    }
    unsafe posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
    unsafe posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0)
    if let errorPath {
      // Non-blocking for the same reason as our own log: a console that stands still must not
      // stop a disk.
      let flags = O_WRONLY | O_NOCTTY | O_NONBLOCK
      unsafe posix_spawn_file_actions_addopen(&actions, 2, errorPath, flags, 0)
    }
    // SAFETY: as above. Closing what is not open is no error here.
    let end = (passed.map(\.number).max() ?? 2) + 1
    for number in 3..<end where !passed.contains(where: { $0.number == number }) {
      unsafe posix_spawn_file_actions_addclose(&actions, number)
    }
    unsafe c_spawn_close_from(&actions, end)
    // SAFETY: as above.
    return try unsafe spawn(command, &actions, &attributes)
  }

  private func spawn(
    _ command: BackendCommand, _ actions: inout posix_spawn_file_actions_t,
    _ attributes: inout posix_spawnattr_t
  ) throws(Errno) -> pid_t {
    // SAFETY: strdup gives strings of our own, freed below, after the call that reads them.
    let argumentPointers = unsafe command.arguments.map { unsafe strdup($0) } + [nil]
    let environmentPointers = unsafe Self.environment.map { unsafe strdup($0) } + [nil]
    defer {
      // SAFETY: each was made by strdup above and is freed once.
      unsafe argumentPointers.forEach { unsafe free($0) }
      unsafe environmentPointers.forEach { unsafe free($0) }
    }
    var process: pid_t = 0
    // SAFETY: both arrays end in nil and outlive the call, as do actions and attributes.
    let result = unsafe posix_spawn(
      &process, command.program, &actions, &attributes, argumentPointers, environmentPointers)
    if result != 0 { throw Errno(rawValue: result) }
    return process
  }
}
