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

  /// Answers requests until the parent is gone. The process ends with this, and nothing of what the
  /// parent had runs in it.
  ///
  /// - Parameters:
  ///   - isSpare: whether there is time before the first request.
  ///   - isAwaited: whether a guest waits for what is opened.
  static func run(
    _ socket: consuming MessageSocket, isSpare: Bool, isAwaited: Bool,
    leaving exit: borrowing SandboxExit?, _ serve: (Opener.Request) -> Opener.Answer
  ) -> Never {
    // The parent may have died before the first call, which the closed socket tells.
    _ = c_end_with_parent()
    if isSpare, isAwaited {
      Urgency.starting.apply()
      OwnMemory.populate()
    }
    // Where nobody waits for it, the parent comes first: a guest waits for that.
    (isAwaited ? Urgency.takingOver : .serving).apply()
    var status: Int32 = 0
    do {
      try serveRequests(socket, leaving: exit, serve)
    } catch {
      status = 1
    }
    // The parent has ended, and a guest waits for the next one, not for this one's end.
    Urgency.reporting.apply()
    _exit(status)
  }

  private static func serveRequests(
    _ socket: consuming MessageSocket, leaving exit: borrowing SandboxExit?,
    _ serve: (Opener.Request) -> Opener.Answer
  ) throws {
    switch exit {
    case .some(let exit): try exit.leave()
    case .none: break
    }
    try Sandbox.closeDescriptors(except: [socket.rawValue])
    var opened: [UInt8]?
    while let message = try socket.receive(byteCountMax: Opener.messageByteCountMax),
      !message.isCut, let verb = message.bytes.first
    {
      let name = Array(message.bytes.dropFirst())
      guard opened == nil || opened == name else {
        try socket.send([Frame.refused.rawValue], passing: [])
        continue
      }
      opened = name
      let answer = serve(Opener.Request(verb: verb, name: name))
      let bytes = [Frame.answered.rawValue] + answer.bytes
      switch answer.file {
      case .some(let file): try socket.send(bytes, passing: [file.rawValue])
      case .none: try socket.send(bytes, passing: [])
      }
    }
  }
}
