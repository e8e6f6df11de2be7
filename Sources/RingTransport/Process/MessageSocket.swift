internal import CLinux
internal import Glibc
internal import SystemPackage

/// One end of a connection between two processes of ours that keeps messages apart
/// (`socketpair(2)`, `SOCK_SEQPACKET`), and carries descriptors with them.
struct MessageSocket: ~Copyable, Sendable {
  private let file: OwnedFileDescriptor

  /// What came.
  struct Message: ~Copyable {
    var bytes: [UInt8]
    /// The first descriptor that came with it.
    var first: OwnedFileDescriptor?
    /// Those behind it, which are a TAP device's queues.
    var queues: [HeldQueue]
    /// Whether it was too long, or carried more.
    var isCut: Bool
  }

  /// Takes over one end.
  init(adopting file: consuming OwnedFileDescriptor) {
    self.file = file
  }

  /// Makes a connection.
  ///
  /// - Parameter other: set to the other end.
  init(other: inout OwnedFileDescriptor?) throws(Errno) {
    var numbers = InlineArray<2, Int32>(repeating: -1)
    // SAFETY: two integers of ours, which the call fills.
    try systemCall {
      var span = numbers.mutableSpan
      return unsafe span.withUnsafeMutableBufferPointer { buffer in
        unsafe c_make_message_sockets(buffer.baseAddress)
      }
    }
    other = OwnedFileDescriptor(adopting: FileDescriptor(rawValue: numbers[1]))
    file = OwnedFileDescriptor(adopting: FileDescriptor(rawValue: numbers[0]))
  }

  /// What to poll. Valid as long as the instance.
  var rawValue: Int32 { file.rawValue }

  /// Sends a message with at most `c_passed_max` descriptors, which stay the caller's. Does not
  /// wait.
  ///
  /// - Throws: `brokenPipe` or `connectionReset` when the other end is gone.
  func send(_ bytes: [UInt8], passing descriptors: [Int32]) throws(Errno) {
    // SAFETY: the call reads both arrays and no more.
    try systemCall {
      unsafe bytes.withUnsafeBufferPointer { buffer in
        unsafe descriptors.withUnsafeBufferPointer { passed in
          unsafe c_send_with_descriptors(
            file.rawValue, buffer.baseAddress, buffer.count, passed.baseAddress,
            Int32(passed.count))
        }
      }
    }
  }

  /// Waits until there is a message, or the other end is closed.
  ///
  /// - Returns: false when the time is over.
  func isReadable(withinMilliseconds timeoutMilliseconds: Int32) throws(Errno) -> Bool {
    var entry = pollfd(fd: file.rawValue, events: Int16(POLLIN), revents: 0)
    // SAFETY: one entry of ours, for the time of the call.
    return try systemCall { unsafe poll(&entry, 1, timeoutMilliseconds) } > 0
  }

  /// Waits for the next message; nil when the other end is closed.
  func receive(byteCountMax: Int) throws(Errno) -> Message? {
    var bytes = [UInt8](repeating: 0, count: byteCountMax + 1)
    var passed = InlineArray<9, Int32>(repeating: -1)
    var isCut: Int32 = 0
    // SAFETY: the call writes into the array, not past its end, into `c_passed_max` integers, as
    // many as there are, and into one more of ours.
    let count = try systemCall {
      unsafe bytes.withUnsafeMutableBufferPointer { buffer in
        var span = passed.mutableSpan
        return unsafe span.withUnsafeMutableBufferPointer { passed in
          unsafe c_receive_with_descriptors(
            file.rawValue, buffer.baseAddress, buffer.count, passed.baseAddress, &isCut)
        }
      }
    }
    let first = Self.own(passed[0])
    var queues: [HeldQueue] = []
    for index in passed.indices.dropFirst() {
      if let file = Self.own(passed[index]) { queues.append(HeldQueue(file)) }
    }
    guard count > 0 else { return nil }
    return Message(
      bytes: Array(bytes.prefix(Int(count))), first: first, queues: queues,
      isCut: isCut != 0 || Int(count) > byteCountMax)
  }

  private static func own(_ number: Int32) -> OwnedFileDescriptor? {
    guard number >= 0 else { return nil }
    return OwnedFileDescriptor(adopting: FileDescriptor(rawValue: number))
  }
}
