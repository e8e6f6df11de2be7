internal import Glibc

/// Runs `body` on a thread of its own, to its end: an io_uring belongs to one thread, and so does a
/// set of blocked signals.
public func onOwnThread(_ body: @escaping () throws -> Void) throws {
  let box = ThreadBody(body)
  var thread = pthread_t()
  // SAFETY: the reference is taken back by the thread, which has ended before `box` goes.
  let result = unsafe pthread_create(
    &thread, nil,
    { argument in
      guard let argument = unsafe argument else { return nil }
      let box = unsafe Unmanaged<ThreadBody>.fromOpaque(argument).takeRetainedValue()
      box.run()
      return nil
    }, Unmanaged.passRetained(box).toOpaque())
  precondition(result == 0)
  _ = pthread_join(thread, nil)
  if let failure = box.failure { throw failure }
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
