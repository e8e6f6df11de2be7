import PeerKit
import RingTransport
import SimulatedXen

@testable import BlockBackend

/// A ``BlockQueue`` in a simulated driver domain, with the part of an event loop around it: it
/// turns only when an event, a completion or its own last turn says so.
final class QueueHarness {
  let machine: SimulatedMachine
  let domain: DomainIdentifier
  let disk: ModelDisk
  private(set) var queue: BlockQueue?
  private(set) var port: EventChannelPort
  /// What the frontend did wrong, once it has.
  private(set) var violation: RingViolation?
  /// How often the queue was turned.
  private(set) var turnCount = 0
  private var hypervisor: SimulatedHypervisor
  private var storage: ModelStorage
  private var wantsTurn = false

  /// Connects to a frontend's ring.
  init(
    machine: SimulatedMachine, domain: DomainIdentifier, frontendDomain: DomainIdentifier,
    references: [GrantReference], frontendPort: EventChannelPort, abi: BlockABI,
    disk: ModelDisk, geometry: BlockGeometry,
    bufferByteCount: Int = BlockQueue.smallestBufferByteCount
  ) throws {
    self.machine = machine
    self.domain = domain
    self.disk = disk
    hypervisor = SimulatedHypervisor(machine, domain: domain)
    storage = ModelStorage(disk, geometry: geometry)
    let pages = try hypervisor.map(references, of: frontendDomain)
    port = try hypervisor.bind(frontendPort, of: frontendDomain)
    queue = try BlockQueue(
      pages: pages, abi: abi, frontendDomain: frontendDomain, port: port, geometry: geometry,
      bufferByteCount: bufferByteCount)
  }

  /// Whether the backend would run now.
  var isAwake: Bool { violation == nil && (wantsTurn || machine.hasEvent(port, of: domain)) }

  /// Whether every request taken has its response.
  var isIdle: Bool {
    switch queue {
    case .some(let queue): queue.isIdle
    case .none: true
    }
  }

  var statistics: BlockStatistics? { queue?.statistics }

  /// One turn of the event loop: takes the event, works, lets events through again.
  func turn() {
    turnCount += 1
    _ = machine.takeEvent(port, of: domain)
    wantsTurn = false
    do throws(RingViolation) {
      wantsTurn = try queue?.turn(hypervisor: &hypervisor, storage: &storage) ?? false
    } catch {
      violation = error
    }
  }

  /// Lets the disk end one operation.
  ///
  /// - Returns: false when it had none.
  func completeOne() -> Bool {
    guard let outcome = disk.completeOne() else { return false }
    queue?.complete(token: outcome.token, result: outcome.result)
    wantsTurn = true
    return true
  }

  /// Takes nothing more from the ring.
  func drain() {
    queue?.drain()
  }

  /// Judges requests against another geometry from now on.
  func change(_ geometry: BlockGeometry) {
    queue?.geometry = geometry
  }

  /// Runs until nothing is left to do for disk or queue.
  func settle() {
    while true {
      if isAwake {
        turn()
      } else if !completeOne() {
        return
      }
    }
  }

  /// Gives the ring up, as a device does that closes: after the last completion.
  func close() {
    while completeOne() {}
    queue = nil
    machine.close(port, of: domain)
  }
}
