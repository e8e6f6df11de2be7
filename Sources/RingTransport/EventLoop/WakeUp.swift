internal import CLinux
internal import Glibc
public import SystemPackage

/// Wakes another thread's event loop (`eventfd(2)`): the loop polls ``descriptor``.
///
/// Any thread may signal, and share it; one clears.
public final class WakeUp: Sendable {
  private let event: OwnedFileDescriptor

  /// Makes one that is not signalled.
  public init() throws(Errno) {
    let number = try systemCall { c_open_event() }
    event = OwnedFileDescriptor(adopting: FileDescriptor(rawValue: number))
  }

  /// What to poll. Valid as long as the instance.
  public var descriptor: Int32 { event.rawValue }

  /// Makes the descriptor readable. Signals that were not cleared are one.
  public func signal() {
    var one: UInt64 = 1
    // SAFETY: the call reads the eight bytes of ours. It fails only when the count is full, and
    // then the descriptor is readable.
    unsafe _ = write(event.rawValue, &one, 8)
  }

  /// Makes it unreadable again.
  public func clear() {
    var count: UInt64 = 0
    // SAFETY: the call writes eight bytes of ours.
    unsafe _ = read(event.rawValue, &count, 8)
  }

  /// Sleeps until it is signalled.
  public func wait() {
    var poll = pollfd(fd: event.rawValue, events: Int16(POLLIN), revents: 0)
    // SAFETY: one structure of ours, for the time of the call.
    while unsafe Glibc.poll(&poll, 1, -1) != 1 {}
  }
}
