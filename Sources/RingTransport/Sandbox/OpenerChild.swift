internal import CLinux
internal import Glibc
internal import SystemPackage

/// The child's side of an ``Opener``, and the messages between the two.
enum OpenerChild {
  /// The first byte of an answer.
  enum Frame: UInt8 {
    case answered
    /// It was about another name than the first request.
    case refused
  }

  /// Two connected sockets that keep messages apart.
  ///
  /// - Parameter theirs: set to the end that has no owner.
  static func makeSockets(theirs: inout Int32) throws(Errno) -> OwnedFileDescriptor {
    var numbers = InlineArray<2, Int32>(repeating: -1)
    // SAFETY: two integers of ours, which the call fills.
    try systemCall {
      var span = numbers.mutableSpan
      return unsafe span.withUnsafeMutableBufferPointer { buffer in
        unsafe c_make_message_sockets(buffer.baseAddress)
      }
    }
    theirs = numbers[1]
    return OwnedFileDescriptor(adopting: FileDescriptor(rawValue: numbers[0]))
  }

  /// Answers requests until the parent is gone. The process ends with this, and nothing of what the
  /// parent had runs in it.
  ///
  /// - Parameter isSpare: whether there is time before the first request.
  static func run(
    _ socket: Int32, isSpare: Bool, _ serve: (Opener.Request) -> Opener.Answer
  ) -> Never {
    // The parent may have died before the first call, which the closed socket tells.
    _ = c_end_with_parent()
    if isSpare {
      Urgency.starting.apply()
      OwnMemory.populate()
    }
    // What little it does, a guest waits for.
    Urgency.takingOver.apply()
    do {
      try Sandbox.closeDescriptors(except: [socket])
      var opened: [UInt8]?
      while let message = try receive(over: socket), let verb = message.bytes.first {
        let name = Array(message.bytes.dropFirst())
        guard opened == nil || opened == name else {
          try send([Frame.refused.rawValue], nil, over: socket)
          continue
        }
        opened = name
        let answer = serve(Opener.Request(verb: verb, name: name))
        let bytes = [Frame.answered.rawValue] + answer.bytes
        switch answer.file {
        case .some(let file): try send(bytes, file.rawValue, over: socket)
        case .none: try send(bytes, nil, over: socket)
        }
      }
    } catch {
      _exit(1)
    }
    _exit(0)
  }

  /// Sends one message, which always finds room: there is no other.
  static func send(_ bytes: [UInt8], _ file: Int32?, over socket: Int32) throws(Errno) {
    // SAFETY: the call reads the array's bytes and no more.
    try systemCall {
      unsafe bytes.withUnsafeBufferPointer { buffer in
        unsafe c_send_with_descriptor(socket, buffer.baseAddress, buffer.count, file ?? -1)
      }
    }
  }

  /// Waits for one message; nil when the other end is closed.
  static func receive(over socket: Int32) throws(Errno) -> Opener.Answer? {
    var bytes = [UInt8](repeating: 0, count: Opener.messageByteCountMax + 1)
    var passed: Int32 = -1
    var isCut: Int32 = 0
    // SAFETY: the call writes into the array, not past its end, and into two integers of ours.
    let count = try systemCall {
      unsafe bytes.withUnsafeMutableBufferPointer { buffer in
        unsafe c_receive_with_descriptor(
          socket, buffer.baseAddress, buffer.count, &passed, &isCut)
      }
    }
    var file: OwnedFileDescriptor?
    if passed >= 0 { file = OwnedFileDescriptor(adopting: FileDescriptor(rawValue: passed)) }
    guard count > 0, isCut == 0 else { return nil }
    return Opener.Answer(bytes: Array(bytes.prefix(count)), file: file)
  }
}
