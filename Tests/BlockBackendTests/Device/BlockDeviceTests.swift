import PeerKit
import RingTransport
import SimulatedXen
import Testing

@testable import BlockBackend

/// Whole devices, from libxl's first write to its last.
struct BlockDeviceTests {
  @Test(arguments: [0, 4])
  func attachUseAndDetach(ringOrder: Int) throws {
    let world = try DeviceWorld()
    world.guest.ringOrder = ringOrder
    try world.connect()
    #expect(world.toolstack.outcome(world.disk) == .attached)
    #expect(world.machine.mappedPageCount(of: .guest) == 1 << ringOrder)
    try world.exchange()
    world.toolstack.detachDisk(world.disk)
    try world.run { world.isFinished && world.toolstack.outcome(world.disk) == .removed }
    #expect(world.states == ["1", "2", "4", "5", "6"])
    #expect(world.leftovers() == [])
  }

  /// The nodes that a frontend reads.
  @Test func theFrontendLearnsAllAboutTheDisk() throws {
    let world = try DeviceWorld()
    try world.connect()
    for (node, value) in [
      "sectors": "2048", "sector-size": "512", "info": "0", "feature-flush-cache": "1",
      "feature-max-indirect-segments": "256", "hotplug-status": "connected",
    ] {
      let found = world.store.read(world.disk.backendPath.appending(node), as: .guest)
      #expect(found == value, "\(node)")
    }
  }

  /// A guest that is destroyed with requests at the target: they end before anything is let go.
  @Test func destroyUnderLoad() throws {
    let world = try DeviceWorld()
    try world.connect()
    world.targetWorks = false
    for sector in 0..<20 {
      var request = FrontendRequest(.write, sector: UInt64(sector * 8))
      request.segments = [0...7]
      request.data = [UInt8](repeating: 1, count: 4096)
      world.guest.frontend?.submit(request)
    }
    world.guest.frontend?.push()
    try world.step()
    #expect(world.target.inFlightCount == 20)
    world.toolstack.destroyGuest(.guest)
    for _ in 0..<50 { try world.step() }
    #expect(!world.isFinished, "the target still reads our memory")
    world.targetWorks = true
    try world.run { world.isFinished && world.toolstack.outcome(world.disk) == .removed }
    #expect(world.leftovers() == [])
    world.machine.destroyDomain(.guest)
  }

  /// GRUB hands over to a kernel, a kernel to its successor: each with a ring of its own.
  @Test func reconnects() throws {
    let world = try DeviceWorld()
    try world.connect()
    for _ in 0..<10 {
      try world.exchange()
      world.guest.close()
      try world.run { world.machine.mappedPageCount(of: .guest) == 0 }
      world.guest.restart()
      try world.run { world.guest.isConnected }
    }
    #expect(world.machine.mappedPageCount(of: .guest) == 1)
    #expect(world.machine.openPortCount(of: .driver) == 1)
    #expect(!world.isFinished)
    try world.exchange()
  }

  @Test func aTargetThatGrows() throws {
    let world = try DeviceWorld()
    try world.connect()
    let sectors = world.disk.backendPath.appending("sectors")
    #expect(world.store.read(sectors) == "2048")
    world.target.grow(to: 2 << 20)
    try world.run { world.store.read(sectors) == "4096" }
    #expect(world.guest.backendState == "4")
    var request = FrontendRequest(.read, sector: 4088)
    request.segments = [0...7]
    world.guest.frontend?.submit(request)
    world.guest.frontend?.push()
    try world.run { world.guest.frontend?.isAwake ?? false }
    #expect(try world.guest.frontend?.handleEvent().first?.status == 0)
  }

  @Test func readOnlyReachesTheTarget() throws {
    let world = try DeviceWorld()
    try world.attach(isReadOnly: true)
    try world.run { world.guest.isConnected }
    #expect(world.control.lastRequest?.isReadOnly == true)
    #expect(world.store.read(world.disk.backendPath.appending("info")) == "4")
    var request = FrontendRequest(.write, sector: 0)
    request.segments = [0...7]
    request.data = [UInt8](repeating: 1, count: 4096)
    world.guest.frontend?.submit(request)
    world.guest.frontend?.push()
    try world.run { world.guest.frontend?.isAwake ?? false }
    #expect(try world.guest.frontend?.handleEvent().first?.status == -1)
    #expect(world.target.violations == [])
  }

  /// The last owner is on its way out.
  @Test func aBusyTargetIsWaitedFor() throws {
    let world = try DeviceWorld()
    world.control.openErrors = Array(repeating: .inUse("/dev/vda1"), count: 20)
    try world.connect()
    try world.exchange()
  }

  @Test func whatCannotBeServedSaysWhy() throws {
    let failures: [([BlockTargetError], [String: String], String)] = [
      ([.missing("/dev/vda1")], [:], "does not exist"),
      (Array(repeating: .inUse("/dev/vda1"), count: 1000), [:], "in use"),
      ([], ["mode": "x"], "mode"),
      ([], ["discard-enable": "maybe"], "discard-enable"),
    ]
    for (errors, changes, reason) in failures {
      let world = try DeviceWorld()
      world.control.openErrors = errors
      try world.attach(changes)
      let error = world.disk.backendPath.appending("hotplug-error")
      try world.run { world.store.read(error) != nil }
      #expect(world.store.read(error)?.contains(reason) ?? false)
      #expect(
        world.store.read(world.disk.backendPath.appending("hotplug-status")) == "error")
      #expect(world.now < 8_000_000_000, "libxl gives up after ten seconds")
      world.toolstack.detachDisk(world.disk)
      try world.run { world.isFinished && world.toolstack.outcome(world.disk) == .removed }
      #expect(world.leftovers() == [])
    }
  }

  /// Nonsense about the ring ends the connection, maps nothing, and can be detached.
  @Test(arguments: [
    ("ring-ref", "99999"), ("ring-ref", "x"), ("event-channel", "77"), ("event-channel", ""),
    ("protocol", "vax-abi"), ("ring-page-order", "31"), ("multi-queue-num-queues", "9"),
  ])
  func nonsenseAboutTheRing(node: String, value: String) throws {
    let world = try DeviceWorld()
    world.guest.spoil = [node: value]
    try world.attach()
    try world.run { world.guest.frontend != nil }
    for _ in 0..<100 { try world.step() }
    #expect(!world.guest.isConnected)
    #expect(world.machine.mappedPageCount(of: .guest) == 0)
    #expect(world.machine.openPortCount(of: .driver) == 0)
    world.toolstack.detachDisk(world.disk)
    try world.run { world.isFinished && world.toolstack.outcome(world.disk) == .removed }
    #expect(world.leftovers() == [])
  }

  /// A ring whose indices lie: the device lets go of it.
  @Test func aViolationClosesTheDevice() throws {
    let world = try DeviceWorld()
    try world.connect()
    let frontend = try #require(world.guest.frontend)
    frontend.lieAboutIndices()
    try world.run { world.machine.mappedPageCount(of: .guest) == 0 }
    #expect(world.machine.openPortCount(of: .driver) == 0)
    world.toolstack.detachDisk(world.disk)
    try world.run { world.isFinished && world.toolstack.outcome(world.disk) == .removed }
    #expect(world.leftovers() == [])
  }

  /// A process that is asked to end leaves the device as it is, for the next one.
  @Test func stopping() throws {
    let world = try DeviceWorld()
    try world.connect()
    try world.exchange()
    world.stop()
    try world.run { world.isFinished }
    #expect(world.guest.backendState == "4")
    #expect(world.guest.state == "4")
  }
}
