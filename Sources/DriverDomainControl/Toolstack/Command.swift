import CLinux
import Glibc
import RingTransport
import SystemPackage

/// Runs another program of Dom0 and takes what it prints.
struct Command {
  /// How a program ended.
  struct Outcome: Equatable {
    /// The exit code; 128 and the signal's number where one ended it.
    var status: Int32
    /// Standard output; no more than the limit.
    var output: String
  }

  /// The program, looked up in `PATH`, and its arguments, its own name first.
  let arguments: [String]

  /// What is kept of an output.
  static let outputByteCountMax = DomainDescription.byteCountMax

  init(_ arguments: [String]) {
    precondition(!arguments.isEmpty)
    self.arguments = arguments
  }

  /// Runs the program to its end. Its standard error is ours.
  func run() throws(Errno) -> Outcome {
    var ends: (Int32, Int32) = (-1, -1)
    // SAFETY: a tuple of two numbers has the layout of the array that the call fills.
    try systemCall {
      unsafe withUnsafeMutablePointer(to: &ends) {
        unsafe $0.withMemoryRebound(to: Int32.self, capacity: 2) {
          unsafe c_make_pipe($0)
        }
      }
    }
    let readEnd = OwnedFileDescriptor(adopting: FileDescriptor(rawValue: ends.0))
    let writeEnd = OwnedFileDescriptor(adopting: FileDescriptor(rawValue: ends.1))
    let process = try start(output: writeEnd.rawValue)
    // The end of the output is seen only when nobody has the other end any more.
    try writeEnd.close()
    let output = try Self.readAll(readEnd.rawValue)
    var status: Int32 = 0
    // SAFETY: the call writes the status only.
    try systemCall { unsafe waitpid(process, &status, 0) }
    let code = c_wait_exited(status) != 0 ? c_wait_exit_code(status) : 128 + c_wait_signal(status)
    return Outcome(status: code, output: String(decoding: output, as: UTF8.self))
  }

  private func start(output: Int32) throws(Errno) -> pid_t {
    // SAFETY: initialised here, before any use, and destroyed once below.
    var actions = unsafe posix_spawn_file_actions_t()
    unsafe posix_spawn_file_actions_init(&actions)
    var attributes = posix_spawnattr_t()
    unsafe posix_spawnattr_init(&attributes)
    var noSignals = sigset_t()
    // SAFETY: as above; the calls copy the set. Our blocked signals are not the program's.
    unsafe sigemptyset(&noSignals)
    unsafe posix_spawnattr_setsigmask(&attributes, &noSignals)
    unsafe posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK))
    unsafe posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
    unsafe posix_spawn_file_actions_adddup2(&actions, output, 1)
    // SAFETY: strdup gives strings of our own, freed below, after the call that reads them.
    let pointers = unsafe arguments.map { unsafe strdup($0) } + [nil]
    defer {
      // SAFETY: each was made above and is released once.
      unsafe pointers.forEach { unsafe free($0) }
      unsafe posix_spawn_file_actions_destroy(&actions)
      unsafe posix_spawnattr_destroy(&attributes)
    }
    var process: pid_t = 0
    // SAFETY: the array ends in nil, and all arguments outlive the call.
    let result = unsafe posix_spawnp(
      &process, arguments[0], &actions, &attributes, pointers, environ)
    if result != 0 { throw Errno(rawValue: result) }
    return process
  }

  private static func readAll(_ descriptor: Int32) throws(Errno) -> [UInt8] {
    var output: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 65536)
    while true {
      // SAFETY: the call writes inside the buffer only.
      let count = try systemCall {
        unsafe buffer.withUnsafeMutableBytes { unsafe read(descriptor, $0.baseAddress, $0.count) }
      }
      if count == 0 { return output }
      // What is over the limit is read and dropped, so that the program can end.
      output += buffer[..<min(count, outputByteCountMax - output.count)]
    }
  }
}
