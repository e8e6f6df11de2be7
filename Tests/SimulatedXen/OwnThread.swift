import RingTransport

/// Runs `body` on a thread of its own, to its end: an io_uring belongs to one thread, and so does a
/// set of blocked signals.
public func onOwnThread(_ body: @escaping () throws -> Void) throws {
  // SAFETY: used by the new thread alone, until that has ended.
  nonisolated(unsafe) let work = ThreadBody(body)
  let thread = try ServiceThread.start { unsafe work.run() }
  thread.join()
  if let failure = unsafe work.failure { throw failure }
}

private final class ThreadBody {
  private let body: () throws -> Void
  private(set) var failure: (any Error)?

  init(_ body: @escaping () throws -> Void) {
    self.body = body
  }

  func run() {
    do {
      try body()
    } catch {
      failure = error
    }
  }
}
