import RingTransport
import SimulatedXen
import SystemPackage
import Testing

@testable import NetBackend

/// Whole vifs, from libxl's first write to its last.
struct NetDeviceTests {
  @Test(arguments: [1, 3])
  func aLife(queueCount: Int) throws {
    let world = try NetWorld(queueCount: queueCount, hasControlRing: true)
    try world.connect()
    #expect(world.toolstack.outcome(world.interface) == .attached)
    let traffic = NetWorldTraffic(world, seed: 1)
    for _ in 0..<50 {
      try traffic.act()
      try world.step()
      try traffic.handleEvents()
    }
    try traffic.finish()
    #expect(traffic.completedCount > 50)
    #expect(world.states == ["1", "2", "4"])
    world.toolstack.detach(world.interface)
    try world.run { world.toolstack.outcome(world.interface) == .removed }
    try world.run { world.isFinished }
    #expect(world.leftovers() == [])
    #expect(world.control.connections == [false])
  }

  /// A process that is asked to end leaves the vif as it is, and the next one takes it over.
  @Test func anOrderlyRestart() throws {
    let world = try NetWorld(queueCount: 2, hasControlRing: true)
    try world.connect()
    let nodes = world.store.tree(below: world.interface.backendPath)
    let traffic = NetWorldTraffic(world, seed: 2)
    for _ in 0..<5 {
      try traffic.act()
      world.stop()
      try world.run { world.isFinished }
      #expect(world.machine.mappedPageCount(of: .guest) == 0)
      #expect(world.machine.openPortCount(of: .driver) == 0)
      #expect(world.store.tree(below: world.interface.backendPath) == nodes)
      try world.startProcess()
      for _ in 0..<10 { try world.step() }
      try traffic.handleEvents()
    }
    try traffic.finish()
    #expect(world.states == ["1", "2", "4"])
    #expect(world.control.connections == [false, true, true, true, true, true])
  }

  /// Nobody is told of a stop at any time, whatever the vif was about to do.
  @Test(arguments: testSeedGroups(count: 30, groupSize: 10))
  func aStopWritesNothing(steps: [UInt64]) throws {
    for count in steps {
      let world = try NetWorld()
      try world.attach()
      for _ in 0..<count { try world.step() }
      let before = world.store.tree(below: world.interface.backendPath)
      world.stop()
      try world.runBackend()
      // A state whose writing had begun may still come.
      let isConnected = world.guest.isConnected
      try world.run { world.isFinished }
      if isConnected {
        #expect(world.store.tree(below: world.interface.backendPath) == before, "step \(count)")
      }
      #expect(!world.states.contains("5") && !world.states.contains("6"), "step \(count)")
    }
  }

  /// Queues that were connected before one could not be are let go of.
  @Test(arguments: testSeeds(count: 8))
  func aFailedConnectionLeavesNothing(seed: UInt64) throws {
    let world = try NetWorld(queueCount: 3, seed: seed)
    world.machine.faults = MachineFaults(seed: seed)
    world.machine.faults.mapPercent = 30
    try world.attach()
    try world.run { world.guest.isConnected || world.guest.backendState == "6" }
    if world.guest.backendState == "6" {
      #expect(world.machine.mappedPageCount(of: .guest) == 0)
    }
  }

  /// The thread of a queue that cannot go on is no fault of the guest: the process ends, and the
  /// next one takes over.
  @Test func aBrokenLoopEndsTheProcessOnly() throws {
    let world = try NetWorld()
    try world.connect()
    world.control.failure = .loop(.ioError)
    try world.step()
    #expect(world.isFinished)
    world.crash()
    try world.startProcess()
    let traffic = NetWorldTraffic(world, seed: 3)
    try traffic.act()
    try traffic.finish()
    #expect(world.states == ["1", "2", "4"])
  }

  /// A guest that breaks the protocol loses its vif.
  @Test func aViolationClosesTheVif() throws {
    let world = try NetWorld()
    try world.connect()
    world.control.failure = .violation(.tooManyExtras)
    try world.run { world.guest.backendState == "6" }
    #expect(world.machine.mappedPageCount(of: .guest) == 0)
  }

  @Test func headroomChangesWhileConnected() throws {
    let world = try NetWorld()
    try world.connect()
    #expect(world.control.guest?.headroomByteCount == 0)
    world.guest.reconfigure(headroomByteCount: 256)
    try world.run { world.guest.state == "4" && world.guest.backendState == "4" }
    #expect(world.control.guest?.headroomByteCount == 256)
    #expect(world.states == ["1", "2", "4", "8", "4"])
  }
}
