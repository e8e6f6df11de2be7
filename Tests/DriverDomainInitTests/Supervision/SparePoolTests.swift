import Testing

@testable import DriverDomainInit

@Suite struct SparePoolTests {
  private var pool = SparePool<BackendPrograms.Role>()
  private let refill = SparePool<BackendPrograms.Role>.refillMilliseconds

  private mutating func fill(_ role: BackendPrograms.Role, process: Int32) {
    #expect(pool.handle(.wanted(role, true), now: 0) == [])
    #expect(pool.handle(.timeReached, now: refill) == [.start(role)])
    #expect(pool.handle(.started(role, process: process), now: refill) == [])
    #expect(pool.nextDeadline == nil)
  }

  @Test mutating func oneWaitsForEachProgramWithDevices() {
    fill(.block, process: 1)
    fill(.network, process: 2)
    #expect(pool.key(of: 1) == .block)
    #expect(pool.key(of: 2) == .network)
    #expect(pool.key(of: 3) == nil)
    #expect(pool.handle(.wanted(.block, true), now: 500) == [])
    #expect(pool.handle(.timeReached, now: 1000) == [])
  }

  @Test mutating func takenOneIsReplacedInAMoment() {
    fill(.block, process: 1)
    #expect(pool.take(.block, now: 1000) == 1)
    #expect(pool.key(of: 1) == nil)
    #expect(pool.take(.block, now: 1000) == nil)
    #expect(pool.nextDeadline == 1000 + refill)
    #expect(pool.handle(.timeReached, now: 1000 + refill) == [.start(.block)])
    #expect(pool.take(.block, now: 1000 + refill) == nil)
    #expect(pool.handle(.started(.block, process: 2), now: 1200) == [])
    #expect(pool.take(.block, now: 1200) == 2)
  }

  @Test mutating func sparesThatDieAreTriedMoreAndMoreSeldom() {
    fill(.block, process: 1)
    var now: UInt64 = 1000
    var delays: [UInt64] = []
    for process in 1...Int32(14) {
      #expect(pool.handle(.exited(process: process), now: now) == [])
      let deadline = pool.nextDeadline ?? 0
      delays.append(deadline - now)
      now = deadline
      #expect(pool.handle(.timeReached, now: now) == [.start(.block)])
      #expect(pool.handle(.started(.block, process: process + 1), now: now) == [])
    }
    #expect(delays.prefix(4) == [100, 200, 400, 800])
    #expect(delays[9] == 51_200)
    #expect(delays.suffix(4) == [60_000, 60_000, 60_000, 60_000])
    // One that was of use ends the series.
    #expect(pool.take(.block, now: now) == 15)
    #expect(pool.nextDeadline == now + refill)
  }

  @Test mutating func startThatFailsIsTriedAgain() {
    #expect(pool.handle(.wanted(.network, true), now: 0) == [])
    #expect(pool.handle(.timeReached, now: refill) == [.start(.network)])
    #expect(pool.handle(.startFailed(.network), now: refill) == [])
    #expect(pool.nextDeadline == refill + SparePool<BackendPrograms.Role>.delayMilliseconds)
  }

  @Test mutating func whatIsNotWantedIsKilled() {
    fill(.block, process: 1)
    #expect(pool.handle(.wanted(.block, false), now: 500) == [.kill(.block, process: 1)])
    #expect(pool.nextDeadline == nil)
    #expect(pool.handle(.exited(process: 1), now: 501) == [])
    #expect(pool.nextDeadline == nil)
    // One whose start was under way.
    #expect(pool.handle(.wanted(.block, true), now: 600) == [])
    #expect(pool.handle(.timeReached, now: 700) == [.start(.block)])
    #expect(pool.handle(.wanted(.block, false), now: 700) == [])
    #expect(
      pool.handle(.started(.block, process: 2), now: 700) == [.kill(.block, process: 2)])
  }

  /// Devices come and go for as long as the domain lives.
  @Test func whatIsNotWantedIsForgotten() {
    var pool = SparePool<Int>()
    for key in 0..<1000 {
      let now = UInt64(key) * 1000
      #expect(pool.handle(.wanted(key, true), now: now) == [])
      #expect(pool.handle(.timeReached, now: now + 500) == [.start(key)])
      #expect(pool.handle(.started(key, process: Int32(key) + 2), now: now + 500) == [])
      #expect(pool.keys == [key])
      #expect(
        pool.handle(.wanted(key, false), now: now + 600)
          == [.kill(key, process: Int32(key) + 2)])
      #expect(pool.keys.isEmpty)
    }
  }

  @Test mutating func oldProgramIsReplacedAtOnce() {
    fill(.block, process: 1)
    #expect(pool.handle(.outdated(.network), now: 500) == [])
    #expect(pool.handle(.outdated(.block), now: 500) == [.kill(.block, process: 1)])
    #expect(pool.handle(.timeReached, now: 500) == [.start(.block)])
  }
}
