import Logging
import PeerKit
import RingTransport
import SimulatedXen
import SystemPackage

@testable import NetBackend

/// A whole vif in a simulated host: libxl, xenstored, hypervisor, guest and network around it.
final class NetWorld {
  typealias Device = NetDevice<SimulatedHypervisor, ModelQueues, SimulatedXenStoreTransport>

  let machine: SimulatedMachine
  let store = SimulatedXenStore()
  let toolstack: Toolstack
  let interface = Toolstack.Device(
    .interface, guest: .guest, device: 0, backendDomain: .driver)
  let guest: NetGuestDriver
  let control: ModelQueues.Control
  /// Init's, for every process of the vif.
  let statusMemory: OwnedFileDescriptor
  /// Whether a new process gets it.
  var keepsStatus = true
  /// Whether init tells processes what the leaf says.
  var isInitInformed = false
  var options = NetOptions()
  private(set) var device: Device?
  /// Nanoseconds since the world began.
  private(set) var now: UInt64 = 0
  /// Every state that the backend had.
  private(set) var states: [String] = []

  init(queueCount: Int = 1, hasControlRing: Bool = false, seed: UInt64 = 1) throws {
    machine = try SimulatedMachine()
    machine.createDomain(.driver)
    machine.createDomain(.guest)
    store.introduce(.driver)
    store.introduce(.guest)
    toolstack = Toolstack(store)
    guest = NetGuestDriver(store: store, machine: machine, interface: interface)
    guest.queueCount = queueCount
    guest.hasControlRing = hasControlRing
    guest.startIndex = seed % 2 == 0 ? .max - 3 : 0
    control = ModelQueues.Control(queueCount: 8, seed: seed)
    statusMemory = try StatusPage.makeMemory()
    options.queueCountMax = 4
    options.filter = ""
  }

  /// Attaches the vif as libxl does, and starts the backend.
  func attach() throws {
    toolstack.attachInterface(interface)
    try startProcess()
  }

  /// Starts a process for the leaf, as init does.
  func startProcess() throws {
    guard let leaf = BackendLeaf("\(interface.backendPath)") else { throw PeerFailure("no leaf") }
    let hypervisor = SimulatedHypervisor(machine, domain: .driver)
    let status = try StatusPage(sharing: keepsStatus ? statusMemory.rawValue : nil)
    status.begin()
    device = NetDevice(
      leaf: leaf, options: options, log: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() },
      hypervisor: hypervisor, queues: ModelQueues(control, hypervisor, status),
      store: XenStoreClient(store.connect(as: .driver)), status: status)
    var known = LeafConfiguration([:])
    if isInitInformed {
      for node in LeafConfiguration.nodes(of: leaf.kind) {
        known.values.updateValue(
          store.read(interface.backendPath.appending(node)), forKey: node)
      }
    }
    device?.start(now: now, knowing: known)
  }

  /// A moment in which XenStore says nothing.
  func stepWithoutAnswer() {
    while device?.turn(now: now) ?? false {}
  }

  /// The process dies at once.
  func crash() {
    device = nil
    machine.releaseAll(of: .driver)
  }

  /// Whether the backend's process would have ended.
  var isFinished: Bool {
    switch device {
    case .some(let device): device.isFinished || device.queueError != nil
    case .none: true
    }
  }

  /// Ten milliseconds in which everybody does what there is to do.
  func step() throws {
    now += 10_000_000
    try runBackend()
    try look()
  }

  /// A moment in which XenStore answers what has been asked, and nothing that is asked meanwhile.
  func stepWithOneAnswer() throws {
    try device?.handleStore(now: now)
    while device?.turn(now: now) ?? false {}
  }

  /// What the backend does in this time.
  func runBackend() throws {
    guard !isFinished else { return }
    try device?.handleStore(now: now)
    for _ in 0..<10 {
      while device?.turn(now: now) ?? false {}
      device?.queues.turn(now: now)
    }
    _ = device?.turn(now: now)
    try device?.handleStore(now: now)
  }

  /// The process works, and dies in the middle of it: some of the answers that it had written, and
  /// all of their counters, did not get into the rings any more.
  func crashAtWork(_ generator: inout SeededGenerator) throws {
    now += 10_000_000
    let queues = guest.frontend?.queues ?? []
    let images = queues.map { $0.ringImage() }
    try runBackend()
    for (queue, image) in zip(queues, images) {
      let published = queue.publishedCounts(since: image)
      queue.undo(
        to: image,
        keepingTransmitResponses: .random(in: 0...published.transmit, using: &generator),
        receiveResponses: .random(in: 0...published.receive, using: &generator))
    }
    crash()
    try look()
  }

  private func look() throws {
    if let state = guest.backendState, state != states.last { states.append(state) }
    toolstack.process()
    try guest.step()
  }

  /// Steps until something holds, for at most twenty seconds of the world's time.
  func run(until condition: () -> Bool) throws {
    for _ in 0..<2000 {
      if condition() { return }
      try step()
    }
    throw PeerFailure("it never came: \(store.tree(below: interface.backendPath))")
  }

  func connect() throws {
    try attach()
    try run { guest.isConnected }
  }

  /// Asks the backend to end, as init does.
  func stop() {
    device?.handleStop(now: now)
  }

  /// The device's own value of something that cannot be seen from outside.
  func look<Value>(_ body: (borrowing Device) -> Value) -> Value? {
    switch device {
    case .some(let device): body(device)
    case .none: nil
    }
  }

  /// What must be true when the vif is gone.
  func leftovers() -> [String] {
    var found: [String] = []
    if machine.mappedPageCount(of: .guest) > 0 { found.append("mapped pages") }
    if machine.openPortCount(of: .driver) > 0 { found.append("open ports") }
    return found + store.tree(below: interface.backendPath)
  }
}
