import RingTransport
import Testing

struct PollWindowTests {
  @Test func shortWaitsOpenIt() {
    var window = PollWindow(limitTicks: 800)
    #expect(!window.isOpen && !window.contains(0))
    window.slept(100)
    #expect(window.contains(199) && !window.contains(200))
    window.slept(100)
    #expect(window.contains(399) && !window.contains(400))
    for _ in 0..<10 { window.slept(799) }
    #expect(window.contains(799) && !window.contains(800))
  }

  @Test func longWaitsCloseIt() {
    var window = PollWindow(limitTicks: 800)
    for _ in 0..<4 { window.slept(0) }
    var waits = 0
    while window.isOpen, waits < 100 {
      window.slept(800)
      waits += 1
    }
    #expect(waits == 4, "an idle device must not cost a processor")
  }

  @Test(arguments: [0, 1, .max] as [UInt64]) func withoutALimitItStaysClosed(wait: UInt64) {
    var window = PollWindow(limitTicks: 0)
    window.slept(wait)
    #expect(!window.isOpen)
  }

  @Test func theCounterIsMeasured() throws {
    let rate = TimeStampRate()
    #expect(rate.ticks(microseconds: 1) == nil)
    let start = MonotonicClock.nanoseconds()
    while MonotonicClock.nanoseconds() < start + 20_000_000 {}
    let ticks = try #require(rate.ticks(microseconds: 1000))
    // Between 100 MHz and 100 GHz.
    #expect((100_000...100_000_000).contains(ticks))
    #expect(rate.ticks(microseconds: 0) == 0)
  }
}
