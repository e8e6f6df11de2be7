import RingTransport
import Testing

@Suite struct MonotonicClockTests {
  /// Longer than any kernel's tick, and than a busy machine lets a thread wait.
  private static let tickNanoseconds: UInt64 = 1_000_000_000

  @Test func recentTimeIsThatOfTheLastTick() {
    let before = MonotonicClock.nanoseconds()
    let recent = MonotonicClock.recentNanoseconds()
    let after = MonotonicClock.nanoseconds()
    #expect(recent <= after)
    #expect(recent + Self.tickNanoseconds > before)
  }

  @Test func recentTimeGoesOn() {
    let start = MonotonicClock.recentNanoseconds()
    let deadline = MonotonicClock.nanoseconds() + 10 * Self.tickNanoseconds
    while MonotonicClock.recentNanoseconds() == start, MonotonicClock.nanoseconds() < deadline {}
    #expect(MonotonicClock.recentNanoseconds() > start)
  }
}
