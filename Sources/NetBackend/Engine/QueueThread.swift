internal import Glibc
import RingTransport
import Synchronization
import SystemPackage

/// The thread of one queue, made, told and ended by the control thread.
///
/// Queues share nothing but their vif's ``VifPolicy``: each has its own event loop, grant device,
/// event channels and port.
final class QueueThread: Sendable {
  /// What the two threads tell each other.
  struct State: Sendable {
    /// Whether the queue serves, or why it never did; nil until that is known.
    var start: Result<Void, NetConnectionError>?
    var isStopping = false
    /// To be taken over by the queue.
    var headroomByteCount: Int?
    /// Why the thread has ended by itself.
    var failure: QueueFailure?
    /// Of a queue that has ended.
    var statistics = NetStatistics()
  }

  let state = Mutex(State())
  /// Wakes the queue's thread.
  let wakeUp: WakeUp
  /// Wakes the control thread.
  private let report: WakeUp
  private let started: WakeUp
  private let identity = Mutex<pthread_t?>(nil)

  /// Starts a thread, and waits until it serves.
  ///
  /// - Parameters:
  ///   - wakeUp: wakes the thread.
  ///   - report: signalled when the thread ends by itself.
  ///   - body: sets the queue up, calls ``began(_:)``, and serves until `state.isStopping`.
  static func start(
    wakeUp: WakeUp, report: WakeUp, _ body: @escaping @Sendable (QueueThread) -> Void
  ) throws(NetConnectionError) -> QueueThread {
    let thread: QueueThread
    do throws(Errno) {
      thread = try QueueThread(wakeUp: wakeUp, report: report)
      let errno = thread.run(body)
      guard errno == 0 else { throw Errno(rawValue: errno) }
    } catch {
      throw .thread(error)
    }
    thread.started.wait()
    if case .failure(let error)? = thread.state.withLock({ $0.start }) {
      thread.join()
      throw error
    }
    return thread
  }

  private init(wakeUp: WakeUp, report: WakeUp) throws(Errno) {
    self.wakeUp = wakeUp
    started = try WakeUp()
    self.report = report
  }

  private func run(_ body: @escaping @Sendable (QueueThread) -> Void) -> Int32 {
    // SAFETY: the new thread takes the reference over; without one it is given back here.
    let work = unsafe Unmanaged.passRetained(Work(thread: self, body: body))
    var thread = pthread_t()
    let result = unsafe pthread_create(
      &thread, nil,
      { argument in
        guard let argument = unsafe argument else { return nil }
        let work = unsafe Unmanaged<Work>.fromOpaque(argument).takeRetainedValue()
        work.body(work.thread)
        return nil
      }, unsafe work.toOpaque())
    if result != 0 { unsafe work.release() }
    let identity = result == 0 ? thread : nil
    self.identity.withLock { $0 = identity }
    return result
  }

  /// Tells the control thread whether the queue serves.
  func began(_ result: Result<Void, NetConnectionError>) {
    state.withLock { $0.start = result }
    started.signal()
  }

  /// Tells the control thread that the queue has ended by itself.
  func failed(_ failure: QueueFailure) {
    state.withLock { $0.failure = failure }
    report.signal()
  }

  /// Ends the queue, and waits for it: a turn is short.
  func stop() -> NetStatistics {
    state.withLock { $0.isStopping = true }
    wakeUp.signal()
    join()
    return state.withLock { $0.statistics }
  }

  private func join() {
    guard let thread = identity.withLock({ $0.take() }) else { return }
    _ = pthread_join(thread, nil)
  }
}

/// What a thread is given to do.
private final class Work {
  let thread: QueueThread
  let body: @Sendable (QueueThread) -> Void

  init(thread: QueueThread, body: @escaping @Sendable (QueueThread) -> Void) {
    self.thread = thread
    self.body = body
  }
}

/// Why a queue has ended by itself.
enum QueueFailure: Error, Equatable, CustomStringConvertible {
  /// The guest's fault.
  case violation(NetViolation)
  /// Ours, or the machine's.
  case loop(Errno)

  var description: String {
    switch self {
    case .violation(let violation): violation.description
    case .loop(let errno): "the event loop of a queue failed: \(errno)"
    }
  }
}
