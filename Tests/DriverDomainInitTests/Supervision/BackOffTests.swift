import Testing

@testable import DriverDomainInit

@Suite struct BackOffTests {
  @Test func delaysDoubleUpToTheLimit() {
    var backOff = BackOff()
    let delays = (0..<40).map { _ in backOff.delay(afterRunOf: 10) }
    #expect(delays.prefix(8) == [0, 100, 200, 400, 800, 1600, 3200, 5000])
    #expect(delays.dropFirst(8).allSatisfy { $0 == BackOff.delayMillisecondsMax })
  }

  @Test func longRunBeginsAnew() {
    var backOff = BackOff()
    for _ in 0..<10 { _ = backOff.delay(afterRunOf: 0) }
    #expect(backOff.delay(afterRunOf: BackOff.longRunMilliseconds) == 0)
    #expect(backOff.delay(afterRunOf: 0) == 100)
    backOff.reset()
    #expect(backOff.delay(afterRunOf: 0) == 0)
  }
}
