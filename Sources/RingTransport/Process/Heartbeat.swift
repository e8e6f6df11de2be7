/// One thread's signs of life. Its event loop gives one each turn, and waits no longer than
/// ``limit(_:)`` lets it.
///
/// One thread uses an instance. A sign costs two accesses to memory and no system call.
public struct Heartbeat: Sendable {
  private let page: StatusPage
  private let thread: Int

  /// Announces a thread of ``StatusLayout/threadCount``; the first sign is given with it.
  public init(_ page: StatusPage, thread: Int) {
    self.page = page
    self.thread = thread
    page.beginThread(thread)
  }

  /// Gives a sign.
  public func tick() {
    page.tick(thread)
  }

  /// Says that the thread ends, and is not to be missed.
  public func end() {
    page.endThread(thread)
  }

  /// How long an event loop may wait that would wait so long for its own sake, nil for ever. In
  /// nanoseconds.
  public func limit(_ nanoseconds: UInt64?) -> UInt64 {
    min(nanoseconds ?? .max, StatusLayout.heartbeatIntervalNanoseconds)
  }

  /// How long an event loop may wait, in nanoseconds: not at all when there is more to do.
  ///
  /// - Parameter deadline: when the loop has something to do of its own, in nanoseconds of the
  ///   monotonic clock; nil for never.
  public func waitingTime(until deadline: UInt64?, hasMore: Bool) -> UInt64 {
    if hasMore { return 0 }
    guard let deadline else { return limit(nil) }
    let now = MonotonicClock.recentNanoseconds()
    return limit(deadline > now ? deadline - now : 0)
  }
}
