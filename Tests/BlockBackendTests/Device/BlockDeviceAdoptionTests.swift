import PeerKit
import RingTransport
import SimulatedXen
import Testing

@testable import BlockBackend

/// Whole devices whose process dies: the guest sees a pause.
struct BlockDeviceAdoptionTests {
  /// Death at every step of a life, from libxl's first write to its last.
  @Test(arguments: testSeedGroups(count: 120, groupSize: 10), [false, true])
  func deathAtEveryStep(steps: [UInt64], hasMemory: Bool) throws {
    for step in steps {
      let world = try DeviceWorld()
      if !hasMemory { world.memory = nil }
      world.isInitInformed = step % 2 == 0
      var remaining = Int(step)
      func mortal(until condition: () throws -> Bool) throws {
        for _ in 0..<2000 {
          if try condition() { return }
          remaining -= 1
          if remaining == 0 { world.crash() }
          // Init needs a moment.
          if remaining == -3 { try world.startProcess() }
          try world.step()
        }
        throw PeerFailure("it never came")
      }
      try world.attach()
      try mortal { world.guest.isConnected }
      try world.submit(writeCount: 10)
      try mortal {
        guard let frontend = world.guest.frontend else { return false }
        let statuses = frontend.isAwake ? try frontend.handleEvent().map(\.status) : []
        #expect(statuses.allSatisfy { $0 == 0 }, "step \(step)")
        return frontend.outstandingCount == 0
      }
      #expect(!world.states.contains("5") && !world.states.contains("6"), "step \(step)")
      world.toolstack.detachDisk(world.disk)
      try mortal { world.toolstack.outcome(world.disk) == .removed }
      #expect(world.leftovers() == [], "step \(step)")
    }
  }

  /// A guest at work, and processes that die under it at any time.
  @Test(arguments: testSeeds(count: 20))
  func aGuestAtWorkSeesAPause(seed: UInt64) throws {
    let world = try DeviceWorld()
    if seed % 2 == 0 { world.memory = nil }
    world.isInitInformed = seed % 3 != 0
    try world.connect()
    var generator = SeededGenerator(seed: seed)
    for round in 0..<30 {
      try world.submit(writeCount: 8, value: UInt8(round))
      for _ in 0..<Int.random(in: 0...4, using: &generator) { try world.step() }
      world.crash()
      for _ in 0..<Int.random(in: 0...20, using: &generator) { try world.step() }
      try world.startProcess()
      if generator.chance(percent: 50) { try world.finishRequests() }
    }
    try world.finishRequests()
    try world.exchange()
    #expect(world.states.last == "4")
    #expect(!world.states.contains("5") && !world.states.contains("6"))
    #expect(world.target.violations == [])
    #expect(world.machine.mappedPageCount(of: .guest) == 1)
    #expect(world.machine.openPortCount(of: .driver) == 1)
  }

  /// No write of the next process may come before the last one's are done: one that arrived late
  /// could undo a newer one.
  @Test func nothingIsServedBeforeOldWritesAreDone() throws {
    let world = try DeviceWorld()
    try world.connect()
    world.targetWorks = false
    try world.submit(writeCount: 5)
    try world.step()
    #expect(world.target.inFlightCount == 5)
    world.crash()
    try world.startProcess()
    // Longer than libxl would wait, or a new disk for its target.
    for _ in 0..<1500 { try world.step() }
    #expect(world.target.inFlightCount == 0)
    #expect(world.machine.mappedPageCount(of: .guest) == 0)
    #expect(world.guest.isConnected && world.guest.backendState == "4")
    world.targetWorks = true
    try world.finishRequests()
    #expect(world.target.violations == [])
  }

  /// The check above sees what it looks for: without a fence it finds writes too early.
  @Test func aMissingFenceIsNoticed() throws {
    let world = try DeviceWorld()
    try world.connect()
    world.control.isFenced = false
    world.targetWorks = false
    try world.submit(writeCount: 5)
    try world.step()
    world.crash()
    try world.startProcess()
    for _ in 0..<20 { try world.step() }
    #expect(!world.target.violations.isEmpty)
  }

  /// What the guest was told is kept, whatever the next process would have said.
  @Test func promisesAreKept() throws {
    let world = try DeviceWorld()
    world.memory = nil
    try world.connect()
    let before = world.store.tree(below: world.disk.backendPath)
    world.crash()
    world.store.write(world.disk.backendPath.appending("discard-enable"), "0")
    try world.startProcess()
    try world.exchange()
    world.store.write(world.disk.backendPath.appending("discard-enable"), "1")
    #expect(world.store.tree(below: world.disk.backendPath) == before)
    var discard = FrontendRequest(.discard, sector: 8)
    discard.discardCount = 8
    world.guest.frontend?.submit(discard)
    world.guest.frontend?.push()
    try world.finishRequests()
  }

  /// A target that grew while nobody looked.
  @Test func growthIsToldAfterwards() throws {
    let world = try DeviceWorld()
    try world.connect()
    world.crash()
    world.target.grow(to: 2 << 20)
    try world.startProcess()
    let sectors = world.disk.backendPath.appending("sectors")
    try world.run { world.store.read(sectors) == "4096" }
    #expect(world.guest.backendState == "4")
    try world.exchange()
  }

  /// A target that is not what it was is not served: the guest waits for the right one.
  @Test func anotherTargetIsNotServed() throws {
    let world = try DeviceWorld(capacityBytes: 1 << 20)
    world.memory = nil
    try world.connect()
    world.crash()
    let sectors = world.disk.backendPath.appending("sectors")
    world.store.write(sectors, "4096")
    try world.startProcess()
    for _ in 0..<300 { try world.step() }
    #expect(world.machine.mappedPageCount(of: .guest) == 0)
    #expect(world.guest.backendState == "4" && world.guest.isConnected)
    world.target.grow(to: 2 << 20)
    try world.exchange()
  }

  /// The port may be bound until the last process is gone for good.
  @Test func aPortInUseIsWaitedFor() throws {
    let world = try DeviceWorld()
    try world.connect()
    world.crash()
    world.machine.faults.bindPercent = 100
    world.machine.faults.mapPercent = 50
    try world.startProcess()
    for _ in 0..<500 { try world.step() }
    #expect(world.guest.backendState == "4" && world.guest.isConnected)
    #expect(world.machine.mappedPageCount(of: .guest) == 0)
    world.machine.faults.stop()
    try world.exchange()
  }

  /// A process that is asked to end leaves the disk as it is, and the next one takes it over.
  @Test func anOrderlyRestart() throws {
    let world = try DeviceWorld()
    try world.connect()
    for round in 0..<5 {
      try world.submit(writeCount: 4, value: UInt8(round))
      world.stop()
      try world.run { world.isFinished }
      try world.startProcess()
      try world.finishRequests()
    }
    #expect(world.states == ["1", "2", "4"])
    #expect(world.target.violations == [])
  }
}
