import RingTransport
import SystemPackage
import Testing

struct HeartbeatTests {
  @Test func aLoopWaitsNoLongerThanAnInterval() throws {
    let interval = StatusLayout.heartbeatIntervalNanoseconds
    let heartbeat = Heartbeat(try StatusPage(sharing: nil), thread: 0)
    #expect(heartbeat.limit(nil) == interval)
    #expect(heartbeat.limit(.max) == interval)
    #expect(heartbeat.limit(5) == 5)
    #expect(heartbeat.limit(0) == 0)
    // Init looks every half second, and may look just before a sign.
    #expect(interval <= 250_000_000)
  }

  @Test func signsAreSeenWhileTheThreadLives() throws {
    let memory = try StatusPage.makeMemory()
    let reader = try StatusPageReader(memory.rawValue)
    let page = try StatusPage(sharing: memory.rawValue)
    page.begin()
    let heartbeat = Heartbeat(page, thread: 2)
    for expected in UInt64(1)...3 {
      #expect(reader.heartbeatCount(of: 2) == expected)
      heartbeat.tick()
    }
    heartbeat.end()
    #expect(reader.heartbeatCount(of: 2) == nil)
  }

  /// Counters become sums that outlive the process, and never count twice.
  @Test func sumsGrowByWhatCountersGrow() throws {
    let memory = try StatusPage.makeMemory()
    let reader = try StatusPageReader(memory.rawValue)
    let page = try StatusPage(sharing: memory.rawValue)
    page.begin()
    var sums = StatusSums(page)
    for (counter, sum) in [(3, 3), (3, 3), (10, 10), (4, 14), (0, 14), (1, 15)]
      as [(UInt64, UInt64)]
    {
      var values = InlineArray<16, UInt64>(repeating: 0)
      values[7] = counter
      sums.report(values)
      #expect(reader.statistic(7) == sum, "counter \(counter)")
    }
    // Another thread adds its own.
    var others = StatusSums(page)
    others.report(InlineArray<16, UInt64>(repeating: 100))
    #expect(reader.statistic(7) == 115 && reader.statistic(0) == 100)
  }
}
