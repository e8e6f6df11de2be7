import CLinux
import Glibc
import RingTransport
import SystemPackage

/// A process that does one thing and says numbers of it.
struct OtherProcess: ~Copyable {
  private static let wordCountMax = 8
  private let identifier: pid_t
  private let results: OwnedFileDescriptor

  /// Starts it: a copy of this process, with all that is open and shared here.
  ///
  /// - Parameters:
  ///   - seconds: when it is given up.
  ///   - body: returns at most eight numbers.
  init(within seconds: UInt32, _ body: () throws -> [UInt64]) throws(Errno) {
    var ends: [Int32] = [-1, -1]
    // SAFETY: the call fills both numbers in.
    try systemCall { unsafe c_make_pipe(&ends) }
    let (reading, writing) = (ends[0], ends[1])
    let child = try systemCall { c_fork() }
    if child == 0 { Self.run(body, seconds, writing) }
    close(writing)
    identifier = child
    results = OwnedFileDescriptor(adopting: FileDescriptor(rawValue: reading))
  }

  /// Never comes back.
  private static func run(
    _ body: () throws -> [UInt64], _ seconds: UInt32, _ writing: Int32
  ) -> Never {
    alarm(seconds)
    do {
      let words = try body()
      precondition(words.count <= wordCountMax)
      // SAFETY: the call reads the array and no more.
      unsafe words.withUnsafeBytes { unsafe _ = write(writing, $0.baseAddress, $0.count) }
      _exit(0)
    } catch {
      print("MicroBench: \(error)")
      fflush(nil)
      _exit(1)
    }
  }

  /// Waits for it to end.
  consuming func end() throws -> [UInt64] {
    var words = [UInt64](repeating: 0, count: Self.wordCountMax)
    // SAFETY: the call writes into the array and no more.
    let byteCount = try unsafe words.withUnsafeMutableBytes { bytes throws(Errno) in
      try systemCall { unsafe read(results.rawValue, bytes.baseAddress, bytes.count) }
    }
    var status: Int32 = 0
    // SAFETY: an integer of ours, for the time of the call.
    try systemCall { unsafe waitpid(identifier, &status, 0) }
    guard status == 0 else { throw ProcessFailure(status: status) }
    return Array(words.prefix(byteCount / 8))
  }
}

/// A process of the measurement died.
struct ProcessFailure: Error, CustomStringConvertible {
  let status: Int32

  var description: String { "a process of the measurement ended with status \(status)" }
}
