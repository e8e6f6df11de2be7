import PeerKit
import RingTransport
import SimulatedXen

@testable import NetBackend

extension DomainIdentifier {
  static let driver = DomainIdentifier(rawValue: 1)
  static let guest = DomainIdentifier(rawValue: 2)
  static let neighbour = DomainIdentifier(rawValue: 3)
}

extension GuestFeatures {
  /// The backend's words for them.
  var guestFeatures: Offload.GuestFeatures {
    var features: Offload.GuestFeatures = []
    if scatterGather { features.insert(.scatterGather) }
    if segmentation4 { features.insert(.segmentationOverIPv4) }
    if segmentation6 { features.insert(.segmentationOverIPv6) }
    if checksum4 { features.insert(.checksumOverIPv4) }
    if checksum6 { features.insert(.checksumOverIPv6) }
    return features
  }
}

/// A ``NetQueue`` in a simulated driver domain, with the part of an event loop around it: it turns
/// only when an event, a frame, the time or its own last turn says so.
final class NetQueueHarness {
  let machine: SimulatedMachine
  let domain: DomainIdentifier
  let network: ModelPort
  let policy: VifPolicy
  /// Init's, for one process after the other.
  let page: StatusPage
  /// The queue's of the page's buffers, and where the words about it begin.
  static let bufferIndex = 2
  static let firstBufferWord = StatusLayout.bufferWords(of: bufferIndex).lowerBound
  private(set) var queue: NetQueue?
  /// What the frontend did wrong, once it has.
  private(set) var violation: NetViolation?
  /// How often the queue was turned.
  private(set) var turnCount = 0
  /// The time, in nanoseconds.
  var now: UInt64 = 1_000_000_000
  private let parameters: NetQueueParameters
  private let guest: NetGuest
  private var hypervisor: SimulatedHypervisor
  private var port: ModelNetPort
  private var outcome = NetQueue.Outcome(hasMore: true)
  private var finalStatistics = NetStatistics()
  /// Whether a frame is being read, as by the loop's wait.
  private var isAwaitingFrame = false
  private var generator: SeededGenerator

  /// Connects to a frontend's rings.
  init(
    machine: SimulatedMachine, domain: DomainIdentifier, guest: NetGuest,
    parameters: NetQueueParameters, policy: VifPolicy, readsAhead: Bool = false, seed: UInt64
  ) throws {
    self.machine = machine
    self.domain = domain
    self.guest = guest
    self.parameters = parameters
    self.policy = policy
    page = try StatusPage(sharing: nil)
    generator = SeededGenerator(seed: seed)
    network = ModelPort(seed: seed)
    port = ModelNetPort(model: network, readsAhead: readsAhead)
    hypervisor = SimulatedHypervisor(machine, domain: domain)
    queue = try NetQueue(
      parameters, guest: guest, policy: policy,
      keptIn: StatusBuffer(page, Self.bufferIndex), hypervisor: &hypervisor)
  }

  /// Connects to an honest frontend.
  convenience init(
    _ frontend: NetFrontendQueue, sendsReceiveEvents: Bool = true, policy: VifPolicy,
    readsAhead: Bool = false, seed: UInt64
  ) throws {
    try self.init(
      machine: frontend.machine, domain: frontend.backendDomain,
      guest: NetGuest(
        domain: frontend.domain, features: frontend.features.guestFeatures,
        sendsReceiveEvents: sendsReceiveEvents,
        headroomByteCount: frontend.features.headroomByteCount),
      parameters: NetQueueParameters(
        transmitRing: frontend.transmitReference, receiveRing: frontend.receiveReference,
        transmitPort: frontend.transmitPort, receivePort: frontend.receivePort),
      policy: policy, readsAhead: readsAhead, seed: seed)
  }

  /// Whether the backend would run now.
  var isAwake: Bool {
    guard violation == nil, queue != nil else { return false }
    if outcome.hasMore || hasEvent { return true }
    if outcome.wantsFrames, !network.waiting.isEmpty { return true }
    if let time = outcome.notBefore { return time <= now }
    return false
  }

  /// When it will run by itself, nil for never.
  var wakeUpTime: UInt64? { violation == nil ? outcome.notBefore : nil }

  /// Whether it waits for frames from the network.
  var wantsFrames: Bool { outcome.wantsFrames }

  private var hasEvent: Bool {
    switch queue {
    case .some(let queue):
      machine.hasEvent(queue.transmitPort, of: domain)
        || machine.hasEvent(queue.receivePort, of: domain)
    case .none: false
    }
  }

  var statistics: NetStatistics {
    switch queue {
    case .some(let queue): queue.totals
    case .none: finalStatistics
    }
  }

  /// One turn of the event loop: takes events, works.
  func turn() {
    turnCount += 1
    switch queue {
    case .some(let queue):
      _ = machine.takeEvent(queue.transmitPort, of: domain)
      _ = machine.takeEvent(queue.receivePort, of: domain)
    case .none: return
    }
    readAwaited()
    // Sometimes another queue has woken this one in vain.
    let mayHaveFrames = !isAwaitingFrame || generator.chance(percent: 20)
    do throws(NetViolation) {
      outcome =
        try queue?.turn(
          hypervisor: &hypervisor, port: &port, mayHaveFrames: mayHaveFrames, now: now)
        ?? NetQueue.Outcome()
    } catch {
      violation = error
      outcome = NetQueue.Outcome()
    }
  }

  /// Waits for a frame with a read, and gives the queue what has come.
  private func readAwaited() {
    if !outcome.hasMore, outcome.wantsFrames, port.readsAhead, !isAwaitingFrame {
      isAwaitingFrame = true
      _ = queue?.awaitFrame()
    }
    guard isAwaitingFrame else { return }
    let place = ReceiveQueue.place(at: 0)
    let count: Int? =
      switch queue {
      case .some(let queue):
        port.receive(
          into: queue.receive.memory, at: place.offset, byteCount: place.roomByteCount)
      case .none: nil
      }
    guard let count else { return }
    isAwaitingFrame = false
    queue?.frameArrived(byteCount: count, port: &port)
  }

  /// Has the wait read the next frame, and the process die before it sees that.
  ///
  /// - Parameter looksBefore: whether another queue wakes this one in vain before the frame comes.
  func dieWhileReading(looksBefore: Bool) throws {
    let waiting = network.waiting
    network.rewind(to: [])
    readAwaited()
    if looksBefore {
      outcome = try queue?.turn(hypervisor: &hypervisor, port: &port, now: now) ?? outcome
    }
    network.rewind(to: waiting)
    switch queue {
    case .some(let queue):
      let place = ReceiveQueue.place(at: 0)
      _ = port.receive(
        into: queue.receive.memory, at: place.offset, byteCount: place.roomByteCount)
    case .none: break
    }
    try restart()
  }

  /// Runs until nothing is left to do now.
  func settle(turnCountMax: Int = 20_000) throws {
    for _ in 0..<turnCountMax {
      guard isAwake else { return }
      turn()
    }
    throw PeerFailure("no rest after \(turnCountMax) turns")
  }

  /// Lets the process die, and another one take the rings over, or connect them as new ones.
  func restart(adopts: Bool = true) throws {
    close()
    queue = try NetQueue(
      parameters, guest: guest, policy: policy,
      keptIn: StatusBuffer(page, Self.bufferIndex), adopts: adopts, hypervisor: &hypervisor)
    isAwaitingFrame = false
    outcome = NetQueue.Outcome(hasMore: true)
  }

  /// Gives the rings up.
  func close() {
    finalStatistics = statistics
    switch queue {
    case .some(let queue): queue.unbind(&hypervisor)
    case .none: break
    }
    queue = nil
  }
}
