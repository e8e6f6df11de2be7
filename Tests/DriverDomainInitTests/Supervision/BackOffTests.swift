import Testing

@testable import DriverDomainInit

@Suite struct BackOffTests {
  @Test func fewDeathsAreFree() {
    var backOff = BackOff()
    let delays = (0..<12).map { backOff.delay(afterRunOf: 10, now: UInt64($0)) }
    #expect(delays == [0, 0, 0, 10, 20, 40, 80, 160, 320, 640, 1000, 1000])
  }

  @Test func deathsThatAreFarApartStayFree() {
    var backOff = BackOff()
    for round in 0..<30 {
      #expect(backOff.delay(afterRunOf: 10, now: UInt64(round) * 4_000) == 0)
      #expect(!backOff.isExhausted)
    }
  }

  @Test func pauseMakesTheNextOnesFreeAgain() {
    var backOff = BackOff()
    for now in 0..<5 { _ = backOff.delay(afterRunOf: 0, now: UInt64(now)) }
    let later = 5 + BackOff.freeMilliseconds
    let delays = (0..<4).map { backOff.delay(afterRunOf: 0, now: later + UInt64($0)) }
    #expect(delays == [0, 0, 0, 10])
  }

  @Test func longRunBeginsAnew() {
    var backOff = BackOff()
    for now in 0..<10 { _ = backOff.delay(afterRunOf: 0, now: UInt64(now)) }
    #expect(backOff.delay(afterRunOf: BackOff.longRunMilliseconds, now: 11) == 0)
    #expect(backOff.deaths == [11])
  }

  @Test func oneDeathTooManyIsTold() {
    var backOff = BackOff()
    for now in 0..<BackOff.deathCountMax { _ = backOff.delay(afterRunOf: 0, now: UInt64(now)) }
    #expect(!backOff.isExhausted)
    // The first has just left the window.
    _ = backOff.delay(afterRunOf: 0, now: BackOff.windowMilliseconds)
    #expect(!backOff.isExhausted)
    _ = backOff.delay(afterRunOf: 0, now: BackOff.windowMilliseconds)
    #expect(backOff.isExhausted)
    // However long it goes on, no more is remembered than is needed.
    for _ in 0..<1000 { _ = backOff.delay(afterRunOf: 0, now: BackOff.windowMilliseconds) }
    #expect(backOff.deaths.count == BackOff.deathCountMax + 1)
  }
}
