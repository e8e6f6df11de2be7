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
  /// How often the process died.
  private(set) var crashCount = 0
  /// How many linked copies were not made.
  private(set) var linkFailureCount = 0
  private var hypervisor: SimulatedHypervisor
  private var storage: ModelStorage
  private var wantsTurn = false
  private let connection: Connection

  /// What a process needs to know of a frontend.
  struct Connection {
    let frontendDomain: DomainIdentifier
    let references: [GrantReference]
    let frontendPort: EventChannelPort
    let abi: BlockABI
    var geometry: BlockGeometry
    let bufferByteCount: Int
    var isInOrder = false
    /// How many transfers the disk takes together with their copies; nil for none.
    var linkCountMax: Int?
  }

  /// Connects to a frontend's ring.
  init(
    machine: SimulatedMachine, domain: DomainIdentifier, disk: ModelDisk, connection: Connection
  ) throws {
    self.machine = machine
    self.domain = domain
    self.disk = disk
    self.connection = connection
    hypervisor = SimulatedHypervisor(machine, domain: domain)
    storage = ModelStorage(disk, geometry: connection.geometry)
    storage.control.isOpen = true
    if let count = connection.linkCountMax {
      storage.control.copier = hypervisor
      storage.control.takenLinkCount = count
    }
    port = EventChannelPort(rawValue: 0)
    try connect(adopts: false)
  }

  private func connect(adopts: Bool) throws {
    let pages = try hypervisor.map(connection.references, of: connection.frontendDomain)
    port = try hypervisor.bind(connection.frontendPort, of: connection.frontendDomain)
    queue = try BlockQueue(
      pages: pages, abi: connection.abi, frontendDomain: connection.frontendDomain, port: port,
      geometry: connection.geometry, bufferByteCount: connection.bufferByteCount,
      adopts: adopts, isInOrder: connection.isInOrder)
  }

  /// Whether the process is dead.
  var isDead: Bool {
    switch queue {
    case .some: false
    case .none: true
    }
  }

  /// The process dies, perhaps between publishing responses and sending the event for them.
  func crash(inTurn: Bool) {
    crashCount += 1
    if inTurn {
      hypervisor.dropsEvents = true
      turn()
    }
    disk.abandon()
    storage.control.forgetLinks()
    queue = nil
    machine.close(port, of: domain)
    hypervisor.dropsEvents = false
  }

  /// The next process starts, once the last one's writes are done, and takes the ring over.
  func restart() throws {
    guard disk.orphanCount == 0 else { return disk.finishOrphan() }
    do {
      try connect(adopts: true)
    } catch BlockQueueError.violation(let violation) {
      machine.close(port, of: domain)
      self.violation = violation
    }
  }

  /// Whether the backend would run now.
  var isAwake: Bool {
    violation == nil && !isDead && (wantsTurn || machine.hasEvent(port, of: domain))
  }

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
      // Every other time as an owner does that looks for requests before it listens.
      if turnCount % 2 == 0 {
        wantsTurn =
          try queue?.turn(hypervisor: &hypervisor, storage: &storage, listens: false) ?? false
        if wantsTurn || queue?.hasNewRequest ?? false {
          wantsTurn = true
          return
        }
      }
      wantsTurn = try queue?.turn(hypervisor: &hypervisor, storage: &storage) ?? false
    } catch {
      violation = error
    }
  }

  /// Whether the disk has an operation to end.
  var hasOperation: Bool { disk.inFlightCount > 0 || storage.control.hasFailure }

  /// Lets the disk end one operation.
  ///
  /// - Returns: false when it had none.
  func completeOne() -> Bool {
    if let failure = storage.control.takeFailure() {
      linkFailureCount += 1
      queue?.completeCopy(token: failure.token, result: failure.result)
    } else if let outcome = disk.completeOne() {
      let isWhole = outcome.result == outcome.byteCount
      if let result = storage.control.finishRead(outcome.token, isWhole: isWhole) {
        if result != 0 { linkFailureCount += 1 }
        queue?.completeCopy(token: outcome.token, result: result)
      } else {
        queue?.complete(token: outcome.token, result: outcome.result)
      }
    } else {
      return false
    }
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
