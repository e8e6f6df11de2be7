internal import Glibc
public import SystemPackage

/// A thread of this process (`pthread_create(3)`): everything that a backend or PID 1 does beside
/// its main thread.
public struct ServiceThread: Sendable {
  private let identity: pthread_t

  /// Starts a thread that runs `body` to its end. It has the caller's blocked signals and urgency.
  public static func start(
    _ body: @escaping @Sendable () -> Void
  ) throws(Errno) -> ServiceThread {
    // SAFETY: the new thread takes the reference over; without one it is given back here.
    let work = unsafe Unmanaged.passRetained(Work(body))
    var identity = pthread_t()
    let result = unsafe pthread_create(
      &identity, nil,
      { argument in
        guard let argument = unsafe argument else { return nil }
        unsafe Unmanaged<Work>.fromOpaque(argument).takeRetainedValue().body()
        return nil
      }, unsafe work.toOpaque())
    guard result == 0 else {
      unsafe work.release()
      throw Errno(rawValue: result)
    }
    return ServiceThread(identity: identity)
  }

  /// Waits for its end. Once, by one thread.
  public func join() {
    _ = pthread_join(identity, nil)
  }

  private final class Work: Sendable {
    let body: @Sendable () -> Void

    init(_ body: @escaping @Sendable () -> Void) {
      self.body = body
    }
  }
}
