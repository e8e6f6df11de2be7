import PeerKit
import RingTransport
import SimulatedXen

@testable import NetBackend

/// Queues without threads, whose network is in memory. Each turns only when an event, a frame, the
/// time or its own last turn says so.
struct ModelQueues: NetQueues, ~Copyable {
  /// What the test does to them, and sees of them, from one process to the next.
  final class Control {
    /// The network, as each queue has it.
    let networks: [ModelPort]
    /// Whether there is an interface.
    var isMissing = false
    /// What the next connection fails with.
    var connectionFailure: NetConnectionError?
    /// Why a queue ended by itself, as the last process saw it.
    var failure: QueueFailure?
    /// What was asked for last.
    var guest: NetGuest?
    /// Every connection, with whether it was taken over.
    var connections: [Bool] = []

    init(queueCount: Int, seed: UInt64) {
      networks = (0..<queueCount).map { ModelPort(seed: seed &+ UInt64($0)) }
    }
  }

  /// One queue of the process.
  private final class Served {
    var queue: NetQueue
    var port: ModelNetPort
    var outcome = NetQueue.Outcome(hasMore: true)

    init(_ queue: consuming NetQueue, _ port: ModelNetPort) {
      self.queue = queue
      self.port = port
    }
  }

  private let control: Control
  private let status: StatusPage
  private var hypervisor: SimulatedHypervisor
  private var served: [Served] = []

  init(_ control: Control, _ hypervisor: SimulatedHypervisor, _ status: StatusPage) {
    self.control = control
    self.status = status
    self.hypervisor = hypervisor
    control.failure = nil
  }

  mutating func open(_ uplink: NetUplink) throws(NetPortError) {
    if control.isMissing { throw .missing(uplink.interface) }
  }

  mutating func connect(
    _ parameters: [NetQueueParameters], guest: NetGuest, address: EthernetAddress,
    policy: VifPolicy, adopts: Bool
  ) throws(NetConnectionError) {
    if let failure = control.connectionFailure { throw failure }
    for (index, place) in parameters.enumerated() {
      let queue = try NetQueue(
        place, guest: guest, policy: policy, keptIn: StatusBuffer(status, index),
        adopts: adopts, hypervisor: &hypervisor)
      served.append(Served(queue, ModelNetPort(model: control.networks[index])))
    }
    control.guest = guest
    control.connections.append(adopts)
  }

  mutating func disconnect() -> NetStatistics {
    var statistics = NetStatistics()
    for queue in served {
      statistics = statistics + queue.queue.totals
      queue.queue.unbind(&hypervisor)
    }
    served = []
    return statistics
  }

  var failure: QueueFailure? { control.failure }

  mutating func setHeadroom(byteCount: Int) {
    control.guest?.headroomByteCount = byteCount
    for queue in served { queue.queue.setHeadroom(byteCount: byteCount) }
  }

  /// Lets every queue work that would be awake.
  mutating func turn(now: UInt64) {
    for (index, queue) in served.enumerated() where isAwake(queue, index, now) {
      _ = hypervisor.machine.takeEvent(queue.queue.transmitPort, of: .driver)
      _ = hypervisor.machine.takeEvent(queue.queue.receivePort, of: .driver)
      do throws(NetViolation) {
        queue.outcome = try queue.queue.turn(
          hypervisor: &hypervisor, port: &queue.port, now: now)
      } catch {
        control.failure = .violation(error)
      }
    }
  }

  private func isAwake(_ queue: Served, _ index: Int, _ now: UInt64) -> Bool {
    let machine = hypervisor.machine
    return queue.outcome.hasMore || machine.hasEvent(queue.queue.transmitPort, of: .driver)
      || machine.hasEvent(queue.queue.receivePort, of: .driver)
      || (queue.outcome.wantsFrames && !control.networks[index].waiting.isEmpty)
      || (queue.outcome.notBefore.map { $0 <= now } ?? false)
  }
}
