import PeerKit
import RingTransport
import SimulatedXen
import Testing

@testable import BlockBackend

/// Processes that take a disk over by what the last one has kept, and ask XenStore for nothing but
/// the configuration before, and not even for that where init knows it.
struct BlockDeviceMemoryTests {
  @Test func theDiskIsServedBeforeXenStoreAnswers() throws {
    let world = try settledWorld()
    try world.submit(writeCount: 5)
    world.crash()
    try world.startProcess()
    try world.stepWithOneAnswer()
    #expect(world.machine.mappedPageCount(of: .guest) == 1)
    #expect(world.target.inFlightCount > 0)
    try world.finishRequests()
    try world.exchange()
    #expect(world.states == ["1", "2", "4"])
    #expect(world.target.violations == [])
  }

  @Test func withAnInformedInitXenStoreIsNotAsked() throws {
    let world = try settledWorld()
    try world.submit(writeCount: 5)
    world.crash()
    world.isInitInformed = true
    try world.startProcess()
    world.stepWithoutAnswer()
    #expect(world.machine.mappedPageCount(of: .guest) == 1)
    #expect(world.target.inFlightCount > 0)
    try world.finishRequests()
    try world.exchange()
    #expect(world.states == ["1", "2", "4"])
    #expect(world.target.violations == [])
  }

  /// What was kept counts only with the configuration that init tells: it could name another disk.
  @Test func whatWasKeptSaysNothingAboutTheTarget() throws {
    let world = try settledWorld()
    world.crash()
    world.isInitInformed = true
    world.store.write(world.disk.backendPath.appending("params"), "/dev/vda2")
    try world.startProcess()
    world.stepWithoutAnswer()
    #expect(world.machine.mappedPageCount(of: .guest) == 0)
  }

  /// The checks above see what they look for.
  @Test func withoutMemoryXenStoreIsAsked() throws {
    let world = try settledWorld()
    world.crash()
    world.memory = nil
    try world.startProcess()
    try world.stepWithOneAnswer()
    #expect(world.machine.mappedPageCount(of: .guest) == 0)
    try world.exchange()
  }

  /// A frontend that made a new ring while nobody was there: what was kept is about the old one.
  @Test(arguments: [false, true])
  func aGuestThatMovedOnIsFollowed(isInitInformed: Bool) throws {
    let world = try settledWorld()
    world.isInitInformed = isInitInformed
    world.crash()
    world.guest.close()
    world.guest.restart()
    try world.startProcess()
    try world.run { world.guest.isConnected }
    try world.exchange()
    #expect(world.machine.mappedPageCount(of: .guest) == 1)
  }

  /// The toolstack took the disk away meanwhile.
  @Test(arguments: [false, true])
  func aDiskThatIsTakenAwayGoes(isInitInformed: Bool) throws {
    let world = try settledWorld()
    world.isInitInformed = isInitInformed
    world.crash()
    world.toolstack.detachDisk(world.disk)
    try world.startProcess()
    try world.run { world.toolstack.outcome(world.disk) == .removed }
    #expect(world.leftovers() == [])
  }

  /// With another configuration nothing counts that was kept.
  @Test func anotherConfigurationIsNotMissed() throws {
    let world = try settledWorld()
    world.crash()
    world.store.write(world.disk.backendPath.appending("discard-enable"), "0")
    try world.startProcess()
    try world.stepWithOneAnswer()
    #expect(world.machine.mappedPageCount(of: .guest) == 0)
    try world.exchange()
    #expect(world.states == ["1", "2", "4"])
  }

  /// What is kept is damaged: it is as if there were nothing.
  @Test(arguments: testSeeds(count: 50))
  func damageIsNoticed(seed: UInt64) throws {
    let world = try settledWorld()
    var generator = SeededGenerator(seed: seed)
    world.crash()
    for _ in 0..<4 {
      world.memory?.flip(
        word: Int.random(in: StatusLayout.stateWordCount..<1280, using: &generator),
        bit: Int.random(in: 0..<64, using: &generator))
    }
    try world.startProcess()
    try world.exchange()
    #expect(world.states == ["1", "2", "4"])
  }

  /// A connected disk whose backend has read all that it keeps.
  private func settledWorld() throws -> DeviceWorld {
    let world = try DeviceWorld()
    try world.connect()
    for _ in 0..<10 { try world.step() }
    return world
  }
}
