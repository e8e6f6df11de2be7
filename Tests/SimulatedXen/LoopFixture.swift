internal import Glibc
public import RingTransport
public import SystemPackage

/// An event loop, or what a backend wraps around one.
public protocol LoopOwner: ~Copyable {
  /// See ``EventLoop/wait(timeoutNanoseconds:)``.
  mutating func wait(timeoutNanoseconds: UInt64?) throws(Errno)
  /// See ``EventLoop/nextEvent()``.
  mutating func nextEvent() throws(Errno) -> LoopEvent?
}

extension EventLoop: LoopOwner {}

/// An event loop whose event channel device and XenStore are sockets that the test holds the other
/// ends of.
public struct LoopFixture<Loop: LoopOwner & ~Copyable>: ~Copyable {
  /// The loop under test.
  public var loop: Loop
  /// The other end of the event channel device: ports that are pending go in, unmasked ones come
  /// out.
  public let eventChannel: OwnedFileDescriptor
  /// The other end of XenStore.
  public let xenStore: OwnedFileDescriptor
  private let loopEventChannel: OwnedFileDescriptor
  private let loopXenStore: OwnedFileDescriptor

  private init(_ wrap: (consuming EventLoop) -> Loop) throws {
    let events = try Self.socketPair()
    let store = try Self.socketPair()
    let loop: EventLoop
    do throws(Errno) {
      // No grant device: the kernel refuses its commands.
      loop = try EventLoop(
        eventDescriptor: events.0, grantDescriptor: events.0, xenStoreDescriptor: store.0)
    } catch {
      print("skipped: no io_uring here: \(error)")
      throw LoopUnavailable()
    }
    self.loop = wrap(loop)
    loopEventChannel = OwnedFileDescriptor(adopting: FileDescriptor(rawValue: events.0))
    eventChannel = OwnedFileDescriptor(adopting: FileDescriptor(rawValue: events.1))
    loopXenStore = OwnedFileDescriptor(adopting: FileDescriptor(rawValue: store.0))
    xenStore = OwnedFileDescriptor(adopting: FileDescriptor(rawValue: store.1))
  }

  /// Runs `body` on a thread of its own, unless there is no io_uring.
  public static func run(
    around wrap: @escaping (consuming EventLoop) -> Loop,
    _ body: @escaping (inout LoopFixture) throws -> Void
  ) throws {
    try onOwnThread {
      do {
        var fixture = try LoopFixture(wrap)
        try body(&fixture)
      } catch is LoopUnavailable {
        return
      }
    }
  }

  /// Waits until so many events have come, at most five seconds for each.
  public mutating func events(_ count: Int) throws -> [LoopEvent] {
    var events: [LoopEvent] = []
    for _ in 0..<(count * 20) {
      while events.count < count, let event = try loop.nextEvent() { events.append(event) }
      if events.count == count { break }
      try loop.wait(timeoutNanoseconds: 5_000_000_000 / 20)
    }
    return events
  }

  /// Whether nothing comes for a while.
  public mutating func staysQuiet() throws -> Bool {
    try loop.wait(timeoutNanoseconds: 20_000_000)
    return try loop.nextEvent() == nil
  }

  /// Makes a port pending.
  public func raise(_ port: UInt32) {
    var port = port
    unsafe _ = Glibc.write(eventChannel.rawValue, &port, 4)
  }

  /// Reads what XenStore said, as the loop's owner does.
  public func readXenStore() {
    var bytes = [UInt8](repeating: 0, count: 64)
    unsafe _ = recv(loopXenStore.rawValue, &bytes, bytes.count, Int32(MSG_DONTWAIT))
  }

  /// The next port that the loop unmasked, nil when there is none.
  public func nextUnmasked() -> UInt32? {
    var port: UInt32 = 0
    return unsafe recv(eventChannel.rawValue, &port, 4, Int32(MSG_DONTWAIT)) == 4
      ? port : nil
  }

  private static func socketPair() throws -> (Int32, Int32) {
    var pair: [Int32] = [-1, -1]
    // SAFETY: two numbers of ours, which the call fills in.
    try systemCall {
      unsafe socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0, &pair)
    }
    return (pair[0], pair[1])
  }
}

/// The kernel has no io_uring for us.
private struct LoopUnavailable: Error {}
