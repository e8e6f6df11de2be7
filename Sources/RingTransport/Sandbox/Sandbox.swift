internal import CLinux
internal import Glibc
public import SystemPackage

/// Takes from a backend process what it does not need to serve one guest. Done on the main thread,
/// before there is another, and before anything is read that a guest wrote.
///
/// In two parts, for a spare does the slower one while it waits: ``prepare()``, and then
/// ``enter(as:)`` when everything is open.
public struct Sandbox: Sendable {
  /// What is taken, in order.
  package enum Step: String, CaseIterable, Sendable {
    /// An empty network, for programs that cannot do without io_uring_setup(2).
    case network
    /// No capability by execve(2).
    case boundingSet = "bounding-set"
    /// No rights by execve(2) at all.
    case privileges
    /// No core file, few files and threads.
    case limits
    /// No file, for the root directory is empty.
    case root
    /// No user's rights but its own.
    case user
    /// No capability.
    case capabilities
    /// Nobody but root looks into it.
    case dumps
    /// No system call but those of the table.
    case filter
  }

  private let policy: SandboxPolicy
  private let omitted: Step?

  /// The directory that becomes the root. Root's, and nothing is ever put into it.
  package static let emptyDirectory = "/run/driver-domain-empty"

  /// More capabilities than Linux will have: sets of them have 64 bits.
  private static let capabilityCountMax: Int32 = 64

  /// A sandbox for a kind of program.
  public init(_ policy: SandboxPolicy) {
    self.init(policy, omitting: nil)
  }

  /// - Parameter omitted: a step that is left out, to see that it is missed.
  package init(_ policy: SandboxPolicy, omitting omitted: Step?) {
    self.policy = policy
    self.omitted = omitted
  }

  /// Closes all descriptors that whoever started the process left open, but the standard ones and
  /// these.
  public static func closeDescriptors(except kept: [Int32]) throws(SandboxError) {
    var first: UInt32 = 3
    for descriptor in kept.sorted() where descriptor >= 3 {
      let number = UInt32(descriptor)
      if number > first { try close(first, number - 1) }
      first = number + 1
    }
    try close(first, .max)
  }

  private static func close(_ first: UInt32, _ last: UInt32) throws(SandboxError) {
    do throws(Errno) {
      try systemCall { c_close_range(first, last) }
    } catch {
      throw SandboxError(step: "close-descriptors", errno: error)
    }
  }

  /// What takes time, and does not keep files from being opened.
  public func prepare() throws(SandboxError) {
    try take(.network) { () throws(Errno) in
      if policy.startsThreads { try systemCall { c_unshare(c_clone_new_network) } }
    }
    try take(.boundingSet) { () throws(Errno) in
      for capability in 0..<Self.capabilityCountMax {
        do throws(Errno) {
          try systemCall { c_drop_from_bounding_set(capability) }
        } catch {
          if error == .invalidArgument, capability > 0 { break }
          throw error
        }
      }
    }
    try take(.privileges) { () throws(Errno) in try systemCall { c_forbid_new_privileges() } }
  }

  /// The rest. From now on the process has nothing but what it has open.
  public func enter(as user: BackendUser) throws(SandboxError) {
    try take(.limits) { () throws(Errno) in
      let files = SandboxPolicy.openFileCountMax
      let threads = SandboxPolicy.threadCountMax
      try systemCall { c_set_limit(c_limit_core_size, 0, 0) }
      try systemCall { c_set_limit(c_limit_open_files, files, files) }
      try systemCall { c_set_limit(c_limit_process_count, threads, threads) }
    }
    try take(.root) { () throws(Errno) in try changeRoot() }
    try take(.user) { () throws(Errno) in try systemCall { c_become_user(user.rawValue) } }
    try take(.capabilities) { () throws(Errno) in try systemCall { c_drop_capabilities() } }
    try take(.dumps) { () throws(Errno) in try systemCall { c_forbid_dumps() } }
    try take(.filter) { () throws(Errno) in try installFilter() }
  }

  private func take(
    _ step: Step, _ body: () throws(Errno) -> Void
  ) throws(SandboxError) {
    guard step != omitted else { return }
    do throws(Errno) {
      try body()
    } catch {
      throw SandboxError(step: step.rawValue, errno: error)
    }
  }

  private func changeRoot() throws(Errno) {
    let path = Self.emptyDirectory
    do throws(Errno) {
      // SAFETY: a path as a C string, for the time of the call; so below.
      try systemCall { unsafe mkdir(path, 0o555) }
    } catch {
      guard error == .fileExists else { throw error }
    }
    try systemCall { unsafe c_change_root(path) }
    try systemCall { unsafe chdir("/") }
  }

  private func installFilter() throws(Errno) {
    let code = FilterProgram(policy.rules(process: getpid())).code
    // SAFETY: the call copies so many instructions of ours.
    try systemCall {
      unsafe code.withUnsafeBufferPointer { buffer in
        unsafe c_install_filter(buffer.baseAddress, UInt16(buffer.count))
      }
    }
  }
}

/// Why a process cannot give its rights away. It then serves nobody.
public struct SandboxError: Error, Hashable, CustomStringConvertible {
  /// What failed, as a word.
  public let step: String
  /// Why.
  public let errno: Errno

  /// For the log.
  public var description: String { "\(step): \(errno)" }
}
