import RingTransport
import SystemPackage
import Testing

@testable import BlockBackend

struct BlockSumsTests {
  /// One request for 10 ns, then two for 5 ns, then none: 20 ns in all.
  @Test func timeIsCountedByRequestsInFlight() throws {
    let memory = try StatusPage.makeMemory()
    let reader = try StatusPageReader(memory.rawValue)
    let page = try StatusPage(sharing: memory.rawValue)
    page.begin()
    var sums = BlockSums(page)
    var statistics = BlockStatistics()
    sums.report(nil, inFlightCount: 0, now: 1000)
    sums.report(statistics, inFlightCount: 1, now: 2000)
    sums.report(statistics, inFlightCount: 2, now: 2010)
    statistics.reads = 2
    statistics.bytesRead = 8192
    sums.report(statistics, inFlightCount: 0, now: 2015)
    sums.report(statistics, inFlightCount: 0, now: 9000)
    #expect(reader.statistic(9) == 20)
    #expect(reader.statistic(0) == 2)
    #expect(reader.statistic(5) == 8192)
    // The next ring's counters begin anew; the sums go on.
    statistics = BlockStatistics()
    statistics.reads = 1
    statistics.errors = 1
    sums.report(statistics, inFlightCount: 0, now: 9500)
    #expect(reader.statistic(0) == 3)
    #expect(reader.statistic(7) == 1)
  }
}
