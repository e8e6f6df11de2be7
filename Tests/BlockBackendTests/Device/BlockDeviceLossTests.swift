import PeerKit
import RingTransport
import SimulatedXen
import Testing

@testable import BlockBackend

/// Targets that go away under their disks.
struct BlockDeviceLossTests {
  @Test func requestsWaitForTheTarget() throws {
    let world = try DeviceWorld()
    try world.connect()
    try world.submit(writeCount: 6)
    try world.step()
    world.target.isGone = true
    try world.submit(writeCount: 6, value: 9)
    for _ in 0..<1000 { try world.step() }
    #expect(world.guest.frontend?.outstandingCount ?? 0 >= 11, "none was answered with an error")
    let openCount = world.control.openCount
    world.target.isGone = false
    try world.finishRequests()
    #expect(world.control.openCount == openCount + 1)
    #expect(world.target.violations == [])
    try world.exchange()
    #expect(world.states == ["1", "2", "4"])
  }

  @Test func afterATimeTheyFail() throws {
    let world = try DeviceWorld()
    world.deviceLossNanoseconds = 2_000_000_000
    try world.connect()
    world.target.isGone = true
    try world.submit(writeCount: 6)
    let start = world.now
    let statuses = try world.statuses(count: 6)
    #expect(statuses == Array(repeating: -1, count: 6))
    #expect((2_000_000_000...2_200_000_000).contains(world.now - start))
    // New ones fail at once, until the target is back.
    try world.submit(writeCount: 1)
    let second = world.now
    #expect(try world.statuses(count: 1) == [-1])
    #expect(world.now - second < 100_000_000)
    world.target.isGone = false
    for _ in 0..<50 { try world.step() }
    try world.exchange()
  }

  /// Death while the target is gone: the next process waits for it too.
  @Test func deathWhileTheTargetIsGone() throws {
    let world = try DeviceWorld()
    try world.connect()
    world.target.isGone = true
    try world.submit(writeCount: 6)
    for _ in 0..<100 { try world.step() }
    world.crash()
    try world.startProcess()
    for _ in 0..<1000 { try world.step() }
    #expect(world.guest.backendState == "4" && world.guest.isConnected)
    world.target.isGone = false
    try world.finishRequests()
    #expect(world.target.violations == [])
  }

  /// A process that is asked to end does not answer what it could not do: the next one may.
  @Test func anOrderlyEndLeavesRequestsInTheRing() throws {
    let world = try DeviceWorld()
    try world.connect()
    world.target.isGone = true
    try world.submit(writeCount: 6)
    for _ in 0..<100 { try world.step() }
    world.stop()
    try world.run { world.isFinished }
    #expect(world.guest.frontend?.outstandingCount == 6)
    #expect(world.machine.mappedPageCount(of: .guest) == 0)
    world.target.isGone = false
    try world.startProcess()
    try world.finishRequests()
  }

  /// A guest that gives its disk up is not made to wait for it.
  @Test func detachingWhileTheTargetIsGone() throws {
    let world = try DeviceWorld()
    try world.connect()
    world.target.isGone = true
    try world.submit(writeCount: 6)
    for _ in 0..<100 { try world.step() }
    let start = world.now
    world.toolstack.detachDisk(world.disk)
    try world.run { world.isFinished && world.toolstack.outcome(world.disk) == .removed }
    #expect(world.now - start < 5_000_000_000)
    #expect(world.leftovers() == [])
  }

  /// A new ring, while there is no target: its requests wait like those of the last.
  @Test func reconnectingWhileTheTargetIsGone() throws {
    let world = try DeviceWorld()
    try world.connect()
    world.target.isGone = true
    try world.submit(writeCount: 1)
    for _ in 0..<50 { try world.step() }
    world.guest.close()
    try world.run { world.machine.mappedPageCount(of: .guest) == 0 }
    world.guest.restart()
    try world.run { world.guest.isConnected }
    try world.submit(writeCount: 3)
    for _ in 0..<50 { try world.step() }
    #expect(world.guest.frontend?.outstandingCount == 3)
    world.target.isGone = false
    try world.finishRequests()
  }

  /// What comes back smaller is another disk.
  @Test func aTargetThatComesBackSmallerIsNotServed() throws {
    let world = try DeviceWorld(capacityBytes: 1 << 20)
    try world.connect()
    world.target.isGone = true
    try world.submit(writeCount: 3)
    for _ in 0..<50 { try world.step() }
    world.control.reportedBytes = 1 << 19
    world.target.isGone = false
    for _ in 0..<300 { try world.step() }
    #expect(world.guest.frontend?.outstandingCount == 3)
    world.control.reportedBytes = nil
    try world.finishRequests()
  }
}
