internal import CLinux
internal import Glibc
public import SystemPackage
internal import Synchronization

/// What remains of a backend process outside of its sandbox: a child that opens the one thing which
/// the device is made of, a disk's target or an interface's TAP device, as often as it is needed.
///
/// The child knows nothing of the guest, and is told a name once, before the guest is looked at:
/// the first request lays down what it opens, and others are refused. It ends with its parent, and
/// keeps nothing open.
public final class Opener: Sendable {
  /// Our end of the connection to the child.
  private struct Connection: ~Copyable {
    let socket: MessageSocket
    /// Requests of which nobody has waited for the answer yet.
    var unansweredCount = 0

    mutating func send(_ request: Request) throws(Errno) {
      let bytes = [request.verb] + request.name
      guard bytes.count <= Opener.messageByteCountMax else { throw .messageTooLong }
      try socket.send(bytes, passing: [])
      unansweredCount += 1
    }

    /// Waits for the answer to the last request; nil when the child is gone.
    mutating func receive() throws(Errno) -> Answer? {
      var answer: Answer?
      while unansweredCount > 0 {
        unansweredCount -= 1
        guard var message = try socket.receive(byteCountMax: Opener.messageByteCountMax),
          !message.isCut
        else { return nil }
        answer = Answer(bytes: message.bytes, file: message.first.take())
      }
      return answer
    }
  }

  /// Locked from a request to its answer.
  private let connection: Mutex<Connection>

  /// The longest request and the longest answer in bytes: a path of XenStore's longest value, 4096
  /// bytes, and some words.
  public static let messageByteCountMax = 8192

  /// What a name is opened for. The name follows it in a request.
  public struct Request: Sendable, Equatable {
    /// What to do, a number of the program's own.
    public var verb: UInt8
    /// What to do it to; the same for the life of a child.
    public var name: [UInt8]

    /// A request.
    public init(verb: UInt8, name: [UInt8]) {
      self.verb = verb
      self.name = name
    }
  }

  /// What came of a request: the program's own words, and what was opened.
  public struct Answer: ~Copyable, Sendable {
    /// The program's own words.
    public var bytes: [UInt8]
    /// What was opened.
    public var file: OwnedFileDescriptor?

    /// An answer.
    public init(bytes: [UInt8], file: consuming OwnedFileDescriptor?) {
      self.bytes = bytes
      self.file = file
    }
  }

  /// Starts the child. The caller has no thread but this one.
  ///
  /// - Parameters:
  ///   - isSpare: whether there is time before the first request.
  ///   - isAwaited: whether a guest waits for what is opened, which is worth memory ahead and the
  ///     processor before all others.
  ///   - exit: the way out of a network in which there is nothing to open.
  ///   - serve: what the child does with a request. It has no descriptors but the standard ones.
  public init(
    isSpare: Bool = false, isAwaited: Bool = true, leaving exit: borrowing SandboxExit? = nil,
    _ serve: (Request) -> Answer
  ) throws(Errno) {
    var other: OwnedFileDescriptor?
    let ours = try MessageSocket(other: &other)
    guard let theirs = other.take() else { throw .badFileDescriptor }
    let child = try systemCall { c_fork() }
    // The child never comes back.
    if child == 0 {
      OpenerChild.run(
        MessageSocket(adopting: theirs), isSpare: isSpare, isAwaited: isAwaited, leaving: exit,
        serve)
    }
    connection = Mutex(Connection(socket: ours))
  }

  /// Sends a request without waiting for its answer, which nobody will see: to lay down what the
  /// child opens.
  public func announce(_ request: Request) throws(Errno) {
    try connection.withLock { connection throws(Errno) in try connection.send(request) }
  }

  /// Has the child open something, and waits for it.
  ///
  /// - Throws: `permissionDenied` for another name than the first, `brokenPipe` when the child is
  ///   gone.
  public func open(_ request: Request) throws(Errno) -> Answer {
    let answer = try connection.withLock { connection throws(Errno) -> Answer? in
      try connection.send(request)
      return try connection.receive()
    }
    guard var answer, let first = answer.bytes.first else { throw .brokenPipe }
    guard first == OpenerChild.Frame.answered.rawValue else { throw .permissionDenied }
    answer.bytes.removeFirst()
    return answer
  }
}
