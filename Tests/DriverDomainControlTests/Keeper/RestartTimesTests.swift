import Testing

@testable import DriverDomainControl

@Suite struct RestartTimesTests {
  @Test func partsFollowEachOther() {
    var times = RestartTimes()
    times.begin(now: 100_000, timeOfDay: 7_000_000)
    times.begin(now: 150_000, timeOfDay: 7_050_000)
    times.end(.destroy, now: 300_400)
    times.end(.create, now: 900_000)
    times.end(.rebuild, now: 920_000)
    times.end(.boot, now: 1_900_000)
    let result = times.finish(now: 1_900_000)
    #expect(result?.text == "total 1800 ms: destroy 200, create 600, rebuild 20, boot 980")
    #expect(
      result?.fields
        == "noticed-at=7000000 total=1800000 destroy=200400 create=599600 rebuild=20000 boot=980000"
    )
    #expect(times.finish(now: 2_000_000) == nil)
  }

  @Test func withoutABeginningThereIsNothing() {
    var times = RestartTimes()
    times.end(.boot, now: 5)
    #expect(times.finish(now: 6) == nil)
  }
}
