import RingTransport
import Synchronization
import SystemPackage

/// The thread of one queue, made, told and ended by the control thread.
///
/// Queues share nothing but their vif's ``VifPolicy``: each has its own event loop, grant device,
/// event channels and port. A thread makes its event loop and then waits for a queue, so it can be
/// there before the guest is.
final class QueueThread: Sendable {
  /// Sets a queue up, calls ``began(_:)``, and serves until `state.isStopping`.
  typealias Work = @Sendable (QueueThread, consuming XenHypervisor, consuming EventLoop) -> Void

  /// What the two threads tell each other.
  struct State: Sendable {
    /// What the thread is to do, until it does it.
    var work: Work?
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
  /// Wakes the thread.
  let wakeUp: WakeUp
  /// Wakes the control thread.
  private let report: WakeUp
  private let started: WakeUp
  private let thread = Mutex<ServiceThread?>(nil)

  /// Starts a thread, which waits for a queue.
  ///
  /// - Parameters:
  ///   - devices: of this thread alone.
  ///   - report: signalled when the thread ends by itself.
  init(_ devices: XenDevices, report: WakeUp) throws(Errno) {
    wakeUp = try WakeUp()
    started = try WakeUp()
    self.report = report
    let thread = try ServiceThread.start { [self] in run(devices) }
    self.thread.withLock { $0 = thread }
  }

  /// Gives the thread a queue, and waits until that serves. Once.
  func serve(_ work: @escaping Work) throws(NetConnectionError) {
    state.withLock { $0.work = work }
    wakeUp.signal()
    started.wait()
    if case .failure(let error)? = state.withLock({ $0.start }) {
      join()
      throw error
    }
  }

  private func run(_ devices: XenDevices) {
    let hypervisor = XenHypervisor(devices, defersNotifications: true)
    do throws(Errno) {
      let loop = try EventLoop(
        eventDescriptor: hypervisor.eventDescriptor, xenStoreDescriptor: nil)
      wakeUp.wait()
      wakeUp.clear()
      // Without work the thread is to end.
      state.withLock { $0.work.take() }?(self, hypervisor, loop)
    } catch {
      began(.failure(.thread(error)))
    }
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
    thread.withLock { $0.take() }?.join()
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
