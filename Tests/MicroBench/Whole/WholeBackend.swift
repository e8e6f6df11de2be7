import CAllocationCount
import Glibc
import Logging
import PeerKit
import RingTransport
import SimulatedXen
import SystemPackage

/// A whole backend: the device, its life in XenStore, its event loop and its target, as in the
/// program, with a simulated Xen under it and a frontend in another process.
enum WholeBackend {
  /// How it went.
  struct Outcome {
    var rate = Rate()
    /// Of the backend's thread, while it was loaded.
    var allocationsPerRequest = 0.0
  }

  /// Runs a workload in two processes of their own.
  static func run(
    _ load: Workload, _ file: BenchFile, nanoseconds: UInt64
  ) throws -> Outcome {
    let seconds = UInt32(nanoseconds / 1_000_000_000) + 30
    let process = try OtherProcess(within: seconds) {
      let disk = try SharedDisk(depth: load.depth)
      let backend = getpid()
      let guest = try OtherProcess(within: seconds) {
        var frontend = try SeparateFrontend(disk, load)
        disk.isReady.signal()
        disk.isConnected.wait()
        let words = try frontend.run(nanoseconds: nanoseconds)
        // As init asks a backend to end.
        kill(backend, SIGTERM)
        return words
      }
      disk.isReady.wait()
      let server = try BackendServer(disk, file)
      try server.connect()
      disk.isConnected.signal()
      let words = try server.serve()
      return try guest.end() + words
    }
    let words = try process.end()
    return Outcome(
      rate: Rate(
        requestsPerSecond: Double(words[0]) / Double(words[1]) * 1e9,
        processorNanoseconds: Double(words[3]) / Double(words[2])),
      allocationsPerRequest: Double(words[4]) / Double(words[2]))
  }
}

/// The backend's process.
private final class BackendServer {
  private let store = SimulatedXenStore()
  private let toolstack: Toolstack
  private let disk: Toolstack.Disk
  private let nodes: [(String, String)]
  private let allocations = AllocationWindow()
  /// XenStore has nothing to say while the disk is served.
  private let silence: WakeUp
  private var device: BlockDevice<CrossingHypervisor, TargetLoop, SimulatedXenStoreTransport>

  init(_ shared: SharedDisk, _ file: BenchFile) throws {
    store.introduce(.benchDriver)
    store.introduce(.benchGuest)
    toolstack = Toolstack(store)
    disk = Toolstack.Disk(guest: .benchGuest, device: 51712, backendDomain: .benchDriver)
    toolstack.attachDisk(disk, target: file.path)
    nodes = [
      ("protocol", "x86_64-abi"), ("event-channel", "\(shared.port.rawValue)"),
      ("ring-ref", "\(shared.ringReference.rawValue)"), ("state", "3"),
    ]
    silence = try WakeUp()
    guard let leaf = BackendLeaf("\(disk.backendPath)") else { throw PeerFailure("no leaf") }
    device = BlockDevice(
      leaf: leaf, settings: BlockOptions().settings,
      log: Logger(label: "bench") { _ in SwiftLogNoOpLogHandler() },
      hypervisor: CrossingHypervisor(
        inner: SimulatedHypervisor(shared.machine, domain: .benchDriver), wake: shared.wake,
        allocations: allocations),
      storage: TargetLoop(
        try EventLoop(
          eventDescriptor: shared.backendEvents.rawValue,
          xenStoreDescriptor: silence.descriptor)),
      store: XenStoreClient(store.connect(as: .benchDriver)))
  }

  /// Plays toolstack and guest until the ring is connected.
  func connect() throws {
    device.start(now: MonotonicClock.nanoseconds())
    let front = disk.frontendPath
    for _ in 0..<5000 {
      try device.handleStore(now: MonotonicClock.nanoseconds())
      while device.turn(now: MonotonicClock.nanoseconds()) {}
      toolstack.process()
      switch (
        store.read(disk.backendPath.appending("state")), store.read(front.appending("state"))
      ) {
      case ("2", "1"):
        for (node, value) in nodes { store.write(front.appending(node), value, as: .benchGuest) }
      case ("4", "3"):
        store.write(front.appending("state"), "4", as: .benchGuest)
      case ("4", "4"):
        return
      default:
        break
      }
      usleep(1000)
    }
    throw PeerFailure("the disk was never connected")
  }

  /// Serves the disk until the process is asked to end.
  ///
  /// - Returns: the processor's time and the allocations.
  func serve() throws -> [UInt64] {
    let processor = processNanoseconds()
    try device.runToEnd(try StatusPage(sharing: nil))
    return [processNanoseconds() - processor, allocations.count]
  }
}

/// The simulated hypervisor, whose guest is in another process.
private struct CrossingHypervisor: Hypervisor {
  var inner: SimulatedHypervisor
  let wake: WakeUp
  let allocations: AllocationWindow

  mutating func map(
    _ references: [GrantReference], of domain: DomainIdentifier
  ) throws(Errno) -> SharedPages {
    try inner.map(references, of: domain)
  }
  mutating func copy(_ batch: inout GrantCopyBatch) throws(Errno) { try inner.copy(&batch) }
  mutating func bind(
    _ remotePort: EventChannelPort, of domain: DomainIdentifier
  ) throws(Errno) -> EventChannelPort {
    try inner.bind(remotePort, of: domain)
  }
  mutating func unbind(_ port: EventChannelPort) { inner.unbind(port) }
  mutating func notify(_ port: EventChannelPort) {
    wake.signal()
    allocations.note()
  }
}

/// Allocations of the backend's thread from some notification to the last one: not those of
/// connecting and of the end.
private final class AllocationWindow {
  private static let warmUpCount = 100
  private var notificationCount = 0
  private var first: UInt64 = 0
  private var last: UInt64 = 0

  func note() {
    notificationCount += 1
    last = c_allocation_count()
    if notificationCount <= Self.warmUpCount { first = last }
  }

  var count: UInt64 { last - first }
}
