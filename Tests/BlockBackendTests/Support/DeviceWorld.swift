import Logging
import PeerKit
import RingTransport
import SimulatedXen

@testable import BlockBackend

/// A whole device in a simulated host: libxl, xenstored, hypervisor, guest and target around it.
final class DeviceWorld {
  typealias Device = BlockDevice<SimulatedHypervisor, ModelStorage, SimulatedXenStoreTransport>

  let machine: SimulatedMachine
  let store = SimulatedXenStore()
  let toolstack: Toolstack
  let disk = Toolstack.Disk(guest: .guest, device: 51712, backendDomain: .driver)
  let guest: GuestDriver
  let target: ModelDisk
  let control = ModelStorage.Control()
  private(set) var device: Device?
  private var stepCount = 0
  /// Nanoseconds since the world began.
  private(set) var now: UInt64 = 0
  /// Whether the target works; a target that does not keeps its requests.
  var targetWorks = true
  /// How long requests wait for a target that is gone, in nanoseconds.
  var deviceLossNanoseconds: UInt64 = 30_000_000_000
  /// What init keeps for the next process.
  var memory: MortalMemory? = MortalMemory()
  /// Whether init tells processes what the leaf says.
  var isInitInformed = false
  /// How often a process died.
  private(set) var crashCount = 0
  /// Every state that the backend had.
  private(set) var states: [String] = []

  init(capacityBytes: Int = 1 << 20) throws {
    machine = try SimulatedMachine()
    machine.createDomain(.driver)
    machine.createDomain(.guest)
    store.introduce(.driver)
    store.introduce(.guest)
    toolstack = Toolstack(store)
    guest = GuestDriver(store: store, machine: machine, disk: disk)
    target = ModelDisk(capacityBytes: capacityBytes, seed: 1)
  }

  /// Attaches the disk as libxl does, and starts the backend.
  func attach(isReadOnly: Bool = false, _ changes: [String: String] = [:]) throws {
    toolstack.attachDisk(disk, target: "/dev/vda1", isReadOnly: isReadOnly)
    for (node, value) in changes { store.write(disk.backendPath.appending(node), value) }
    try startProcess()
  }

  /// Starts a process for the leaf, as init does.
  func startProcess() throws {
    guard let leaf = BackendLeaf("\(disk.backendPath)") else { throw PeerFailure("no leaf") }
    let geometry = BlockGeometry(
      capacityBytes: UInt64(target.bytes.count),
      discard: .init(granularityBytes: 4096, alignmentBytes: 0))
    control.isOpen = false
    device = BlockDevice(
      leaf: leaf,
      settings: BlockSettings(
        bufferByteCount: BlockQueue.smallestBufferByteCount,
        deviceLossNanoseconds: deviceLossNanoseconds),
      log: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() },
      hypervisor: SimulatedHypervisor(machine, domain: .driver),
      storage: ModelStorage(target, geometry: geometry, control: control),
      store: XenStoreClient(store.connect(as: .driver)), memory: memory)
    var known = LeafConfiguration([:])
    if isInitInformed {
      for node in LeafConfiguration.nodes(of: leaf.kind) {
        known.values.updateValue(
          store.read(disk.backendPath.appending(node)), forKey: node)
      }
    }
    device?.start(now: now, knowing: known)
  }

  /// A moment in which XenStore says nothing.
  func stepWithoutAnswer() {
    while device?.turn(now: now) ?? false {}
  }

  /// A moment in which XenStore answers what has been asked, and nothing that is asked meanwhile.
  func stepWithOneAnswer() throws {
    try device?.handleStore(now: now)
    while device?.turn(now: now) ?? false {}
  }

  /// The process dies at once; what it wrote to the target may still be on its way.
  func crash() {
    crashCount += 1
    target.abandon()
    device = nil
    machine.releaseAll(of: .driver)
  }

  /// Whether the backend's process would have ended.
  var isFinished: Bool {
    switch device {
    case .some(let device): device.isFinished
    case .none: true
    }
  }

  /// Ten milliseconds in which everybody does what there is to do.
  func step() throws {
    now += 10_000_000
    if !isFinished {
      try device?.handleStore(now: now)
      if targetWorks, let outcome = target.completeOne() {
        device?.handleCompletion(token: outcome.token, result: outcome.result)
      }
      while let port = machine.takeEvent(of: .driver) { _ = port }
      while device?.turn(now: now) ?? false {}
      try device?.handleStore(now: now)
    }
    if let state = guest.backendState, state != states.last { states.append(state) }
    toolstack.process()
    try guest.step()
    // What a dead process wrote arrives late.
    stepCount += 1
    if stepCount % 7 == 0, targetWorks { target.finishOrphan() }
  }

  /// Steps until something holds, for at most twenty seconds of the world's time.
  func run(until condition: () -> Bool) throws {
    for _ in 0..<2000 {
      if condition() { return }
      try step()
    }
    throw PeerFailure("it never came: \(store.tree(below: disk.backendPath))")
  }

  func connect() throws {
    try attach()
    try run { guest.isConnected }
  }

  /// Asks the backend to end, as init does.
  func stop() {
    device?.handleStop(now: now)
  }

  /// Writes a page and reads it back.
  func exchange() throws {
    let data = [UInt8](repeating: 0x5a, count: 4096)
    var write = FrontendRequest(.write, sector: 8)
    write.segments = [0...7]
    write.data = data
    var read = FrontendRequest(.read, sector: 8)
    read.segments = [0...7]
    for request in [write, read] {
      let completion = try perform(request)
      guard completion.status == 0 else { throw PeerFailure("\(request.operation) failed") }
      if request.operation == .read, completion.data != data {
        throw PeerFailure("read something else")
      }
    }
  }

  /// What must be true when the device is gone.
  func leftovers() -> [String] {
    var found: [String] = []
    if machine.mappedPageCount(of: .guest) > 0 { found.append("mapped pages") }
    if machine.openPortCount(of: .driver) > 0 { found.append("open ports") }
    found += store.tree(below: disk.backendPath)
    found += target.violations
    return found
  }
}
