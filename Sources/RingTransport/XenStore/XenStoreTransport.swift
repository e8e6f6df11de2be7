import Glibc
public import SystemPackage

/// A byte stream to a XenStore server that never blocks.
public protocol XenStoreTransport: ~Copyable {
  /// Reads what is there.
  ///
  /// - Returns: the number of bytes, 0 at the end of the stream, nil where nothing is there yet.
  mutating func read(into buffer: inout MutableRawSpan) throws(Errno) -> Int?

  /// Writes the start of `bytes`, which never hold more than one message.
  ///
  /// - Returns: the number of bytes taken, or nil where none can be taken now.
  mutating func write(_ bytes: RawSpan) throws(Errno) -> Int?

  /// What to poll for input, and for output while the client wants to write.
  var fileDescriptor: Int32 { get }

  /// Whether an error of `write` is the answer to the message and not the end of the stream.
  var answersWithWriteErrors: Bool { get }

  /// How many requests may be under way at once.
  var requestsInFlightMax: Int { get }

  /// Waits until there is input, or room for output where `forWriting`.
  ///
  /// - Returns: false where the time is over.
  mutating func wait(forWriting: Bool, timeoutMilliseconds: Int) throws(Errno) -> Bool
}

extension XenStoreTransport where Self: ~Copyable {
  /// C xenstored stops reading from a connection with 20 unanswered requests; below that, a longer
  /// pipeline gains nothing.
  public var requestsInFlightMax: Int { 16 }

  /// True only where a kernel driver stands between us and the server.
  public var answersWithWriteErrors: Bool { false }

  /// Waits with `poll(2)` on ``fileDescriptor``.
  public mutating func wait(
    forWriting: Bool, timeoutMilliseconds: Int
  ) throws(Errno) -> Bool {
    let events = Int16(POLLIN) | (forWriting ? Int16(POLLOUT) : 0)
    var entry = pollfd(fd: fileDescriptor, events: events, revents: 0)
    let timeout = Int32(clamping: timeoutMilliseconds)
    // SAFETY: one entry, alive and unshared for the length of the call.
    return try systemCall { unsafe poll(&entry, 1, timeout) } > 0
  }
}

/// Reads what is there with `read(2)`; nil where nothing is there yet.
func readBytes(
  of fileDescriptor: Int32, into buffer: inout MutableRawSpan
) throws(Errno) -> Int? {
  // SAFETY: the kernel writes inside the span only, which we hold exclusively.
  try unsafe buffer.withUnsafeMutableBytes { (bytes) throws(Errno) -> Int? in
    try nonBlockingSystemCall {
      unsafe Glibc.read(fileDescriptor, bytes.baseAddress, bytes.count)
    }
  }
}
