import Testing

@testable import DriverDomainControl

@Suite struct RestartTimesTests {
  @Test func partsFollowEachOther() {
    var times = RestartTimes()
    times.begin(now: 100)
    times.begin(now: 150)
    times.end(.destroy, now: 300)
    times.end(.create, now: 900)
    times.end(.rebuild, now: 920)
    times.end(.boot, now: 1900)
    #expect(
      times.finish(now: 1900)
        == "total 1800 ms: destroy 200, create 600, rebuild 20, boot 980")
    #expect(times.finish(now: 2000) == nil)
  }

  @Test func withoutABeginningThereIsNothing() {
    var times = RestartTimes()
    times.end(.boot, now: 5)
    #expect(times.finish(now: 6) == nil)
  }
}
