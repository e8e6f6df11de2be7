import CLinux
import Glibc
import RingTransport
import SystemPackage

/// Waits for input of a few descriptors or for a deadline (`epoll(7)`, level-triggered).
struct EventLoop: ~Copyable {
  /// Who has something to do.
  enum Source: UInt32, CaseIterable {
    case signals = 1
    case devices
    case xenStore
    /// Network interfaces changed.
    case links
    case dhcp
  }

  private let descriptor: OwnedFileDescriptor

  init() throws(Errno) {
    let flags = Int32(EPOLL_CLOEXEC)
    let number = try systemCall { epoll_create1(flags) }
    descriptor = OwnedFileDescriptor(adopting: FileDescriptor(rawValue: number))
  }

  /// Adds a descriptor, or changes what it is waited for. It leaves when it is closed.
  func watch(
    _ descriptor: Int32, as source: Source, isNew: Bool, forWriting: Bool = false
  ) throws(Errno) {
    var events = EPOLLIN.rawValue
    if forWriting { events |= EPOLLOUT.rawValue }
    // SAFETY: this member of the union is the one that wait reads.
    var event = unsafe epoll_event(events: events, data: epoll_data(u32: source.rawValue))
    let operation = isNew ? EPOLL_CTL_ADD : EPOLL_CTL_MOD
    // SAFETY: the call copies the event.
    try systemCall {
      unsafe epoll_ctl(self.descriptor.rawValue, operation, descriptor, &event)
    }
  }

  /// Waits, without a limit if `timeoutMilliseconds` is nil, and says who is ready.
  func wait(timeoutMilliseconds: UInt64?) throws(Errno) -> [Source] {
    let timeout = timeoutMilliseconds.map { Int32(clamping: $0) } ?? -1
    // SAFETY: all zero is a valid event.
    var events = unsafe [epoll_event](repeating: epoll_event(), count: Source.allCases.count)
    // SAFETY: the call writes at most the given count of events into the array.
    let count = try systemCall {
      unsafe events.withUnsafeMutableBufferPointer { buffer in
        unsafe epoll_wait(
          descriptor.rawValue, buffer.baseAddress, Int32(buffer.count), timeout)
      }
    }
    // SAFETY: every event was registered with a u32, so this member of the union is the valid one.
    return unsafe events[..<Int(count)].compactMap { unsafe Source(rawValue: $0.data.u32) }
  }
}
