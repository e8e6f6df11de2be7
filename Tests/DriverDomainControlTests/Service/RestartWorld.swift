import Logging
import RingTransport
import SimulatedXen
import Testing

@testable import DriverDomainControl

/// A Dom0 in memory with a driver domain, two guests' disks and one guest's interface, as libxl and
/// a connected backend leave them. It complains about what may never happen.
final class RestartWorld {
  static let driverDomain = DomainIdentifier(rawValue: 30_001)
  static let name = "disk"
  static let guests: [UInt16] = [7, 8]

  let store = SimulatedXenStore()
  let toolstack: SimulatedXen.Toolstack
  let devices: [SimulatedXen.Toolstack.Device]
  /// What the hypervisor has under our number.
  var domain: DomainSighting?
  /// Domains created.
  private(set) var createCount = 0
  /// What may never happen, and did.
  private(set) var violations: [String] = []
  /// Steps until the keeper's process is killed; nil for never.
  var stepsToDeath: Int?
  /// How often creation fails before it works.
  var failingCreates = 0
  var isDescribable = true

  init() {
    toolstack = SimulatedXen.Toolstack(store)
    let guests = Self.guests.map { DomainIdentifier(rawValue: $0) }
    devices = [
      .init(.disk, guest: guests[0], device: 51712, backendDomain: Self.driverDomain),
      .init(.disk, guest: guests[1], device: 51712, backendDomain: Self.driverDomain),
      .init(.interface, guest: guests[1], device: 0, backendDomain: Self.driverDomain),
    ]
    for guest in guests { store.introduce(guest) }
  }

  var directory: XenStorePath { StorePaths.domain(Self.driverDomain) }
  /// libxl's note of who has the driver domain's PCI device.
  static let pciNote: XenStorePath = "/libxl/pci/0000-00-03-0/domid"
  private var pci: XenStorePath {
    StorePaths.ownBackends.appending("pci/\(Self.driverDomain)")
  }

  /// Attaches the guests' devices and connects them.
  func connectGuests() {
    for device in devices {
      if device.kind == .disk {
        toolstack.attachDisk(device, target: "/dev/vda1")
      } else {
        toolstack.attachInterface(device)
      }
      connect(device)
    }
  }

  /// What backend and frontend write until they are connected.
  func connect(_ device: SimulatedXen.Toolstack.Device) {
    let features = device.kind == .disk ? ["sectors": "1000", "info": "0"] : ["feature-sg": "1"]
    for (name, value) in features {
      store.write(device.backendPath.appending(name), value, as: Self.driverDomain)
    }
    for (name, value) in ["hotplug-status": "connected", "state": "4"] {
      store.write(device.backendPath.appending(name), value, as: Self.driverDomain)
    }
    for (name, value) in ["ring-ref": "8", "queue-0/event-channel": "9", "state": "4"] {
      store.write(device.frontendPath.appending(name), value, as: device.guest)
    }
  }

  /// Everything that guests and their driver domain see of their devices.
  var deviceTree: [String] {
    let backends = store.tree(below: directory.appending("backend"))
    return backends
      + Self.guests.flatMap {
        store.tree(below: StorePaths.domain(DomainIdentifier(rawValue: $0)).appending("device"))
      }
  }

  // MARK: The hypervisor and libxl

  func create() -> Bool {
    if failingCreates > 0 {
      failingCreates -= 1
      return false
    }
    if domain != nil {
      violations.append("created twice")
      return false
    }
    let leavings = store.tree().filter { $0.contains("/\(Self.driverDomain)") }
      .filter { !$0.contains("/tool/") && !$0.contains("/libxl/7/") && !$0.contains("/libxl/8/") }
      .filter { !$0.contains("/domain/7/") && !$0.contains("/domain/8/") }
    if !leavings.isEmpty { violations.append("created over \(leavings)") }
    if store.read(Self.pciNote) != nil { violations.append("created with the device assigned") }
    createCount += 1
    // The same description has the same UUID in each life.
    domain = DomainSighting(state: .paused, identity: String(repeating: "a", count: 32))
    store.introduce(Self.driverDomain)
    store.write(directory.appending("name"), Self.name)
    store.write(StorePaths.toolstack(Self.driverDomain).appending("type"), "pv")
    store.write(StorePaths.toolstack(Self.driverDomain).appending("device/pci/0/backend"), "")
    store.write(pci.appending("0/state"), "4")
    store.write(Self.pciNote, Self.driverDomain.description)
    return true
  }

  func unpause() {
    guard domain?.state == .paused else {
      violations.append("unpaused \(String(describing: domain))")
      return
    }
    domain?.state = .running
  }

  func destroy() {
    if domain?.state == .running { violations.append("destroyed while it runs") }
    if !store.list(pci).isEmpty { violations.append("destroyed with PCI devices") }
    store.write(directory, nil)
    store.write(StorePaths.toolstack(Self.driverDomain), nil)
    vanish()
  }

  /// The end of the domain in the hypervisor alone: what Dom0 made stays.
  func vanish() {
    domain = nil
    store.release(Self.driverDomain)
  }

  /// `xl destroy` of a guest.
  func destroyGuest(_ number: UInt16) {
    let guest = DomainIdentifier(rawValue: number)
    toolstack.destroyGuest(guest)
    toolstack.finishDestruction(of: guest)
  }

  /// Says that the domain serves, as init does. A keeper that rests has rebuilt guests' devices.
  func serve() {
    guard domain?.state == .running else { return }
    for device in devices where store.read(device.frontendPath.appending("state")) == "4" {
      for node in ["state", "ring-ref", "queue-0/event-channel"] {
        let path = device.frontendPath.appending(node)
        if store.read(path, as: Self.driverDomain) == nil {
          violations.append("serves before it may read \(path)")
        }
      }
      if store.read(device.backendPath.appending("state"), as: device.guest) != "4" {
        violations.append("serves without \(device.backendPath)")
      }
    }
    store.write(
      directory.appending("data/driver-domain/status"), "ready", as: Self.driverDomain)
  }

  // MARK: Keepers

  /// Whether a request changes what the next keeper finds: being killed at one that does not is the
  /// same as being killed at the one before.
  private static func changesTheStore(_ message: XenStoreMessage) -> Bool {
    if message.transaction != 0 { return message.kind == .transactionEnd }
    return [.write, .makeDirectory, .remove, .setPermissions].contains(message.kind)
  }

  func makeService() -> KeeperService<SimulatedTools, SimulatedXenStoreTransport> {
    let transport = store.connect(as: .dom0)
    transport.connection.beforeAnswering = {
      [unowned self, unowned connection = transport.connection] message in
      if Self.changesTheStore(message), dies() { connection.close() }
      return true
    }
    let log = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
    return KeeperService(
      .init(name: Self.name, domain: Self.driverDomain, readySeconds: 60),
      tools: SimulatedTools(world: self), store: Store(transport), log: log
    ) { [unowned self] in isDescribable ? DomainDescription(output: "{}") : nil }
  }

  /// Counts a step; true when the keeper's process is to be killed at this one.
  func dies() -> Bool {
    guard let steps = stepsToDeath else { return false }
    stepsToDeath = steps > 0 ? steps - 1 : nil
    return steps == 0
  }

  /// Runs one keeper until it rests with the domain serving, or is killed.
  ///
  /// - Returns: false when it was killed.
  func runKeeper(turnCountMax: Int = 100) throws -> Bool {
    var service = makeService()
    var now: UInt64 = 0
    do throws(KeeperError) {
      try service.begin(process: 1)
      for _ in 0..<turnCountMax {
        switch try service.turn(now: now) {
        case .goOn: break
        case .finished: return true
        case .rest(nil):
          if store.read(directory.appending("data/driver-domain/status")) == "ready" { return true }
          serve()
        case .rest(let until?):
          serve()
          now = max(now, until)
        }
      }
    } catch {
      // Without XenStore, or after its death, a keeper goes no further.
      if case .store = error { return false }
      throw error
    }
    Issue.record("no end after \(turnCountMax) turns: \(String(describing: domain))")
    return true
  }

  fileprivate func violate(_ text: String) { violations.append(text) }
}

/// libxl over a ``RestartWorld``.
struct SimulatedTools: DriverDomainControl.Toolstack {
  unowned let world: RestartWorld

  /// How a call ends whose process was killed: `KeeperService` goes no further.
  static let killed = KeeperError.store(.timedOut)

  func lookUp(_ domain: DomainIdentifier) -> DomainSighting? { world.domain }

  func number(ofDomainNamed name: String) -> DomainIdentifier? {
    world.domain == nil ? nil : RestartWorld.driverDomain
  }

  func create(
    _ description: DomainDescription, as domain: DomainIdentifier
  ) throws(KeeperError) {
    if world.dies() { throw Self.killed }
    if !world.create() { throw .toolstack(operation: "create", code: -3) }
    if world.dies() { throw Self.killed }
  }

  func pause(_ domain: DomainIdentifier) throws(KeeperError) {
    if world.dies() { throw Self.killed }
    world.domain?.state = .paused
    if world.dies() { throw Self.killed }
  }

  func unpause(_ domain: DomainIdentifier) throws(KeeperError) {
    if world.dies() { throw Self.killed }
    world.unpause()
    if world.dies() { throw Self.killed }
  }

  func destroy(_ domain: DomainIdentifier) throws(KeeperError) {
    if world.dies() { throw Self.killed }
    world.destroy()
    if world.dies() { throw Self.killed }
  }
}
