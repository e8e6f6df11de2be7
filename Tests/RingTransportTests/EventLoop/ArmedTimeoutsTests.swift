import Testing

@testable import RingTransport

struct ArmedTimeoutsTests {
  @Test func aTimeoutServesLaterWaits() {
    var timeouts = ArmedTimeouts()
    guard case .timeout(let long) = timeouts.arm(until: 250) else {
      Issue.record("none")
      return
    }
    #expect(timeouts.arm(until: 250) == .nothing)
    #expect(timeouts.arm(until: 300) == .nothing)
    // An earlier one needs its own, and the long one stays.
    guard case .timeout(let short) = timeouts.arm(until: 30) else {
      Issue.record("none")
      return
    }
    #expect(short != long)
    timeouts.ended(short)
    #expect(timeouts.arm(until: 260) == .nothing)
    timeouts.ended(long)
    #expect(timeouts.arm(until: 500) != .nothing)
  }

  /// Their number is bounded: then a wait has a limit of its own, and nothing is noted.
  @Test func tooMany() {
    var timeouts = ArmedTimeouts()
    for deadline in (1...ArmedTimeouts.capacity).reversed() {
      guard case .timeout = timeouts.arm(until: UInt64(deadline * 10)) else {
        Issue.record("none")
        return
      }
    }
    #expect(timeouts.arm(until: 5) == .limit)
    #expect(timeouts.arm(until: 5) == .limit)
    #expect(timeouts.arm(until: 10) == .nothing)
  }
}
