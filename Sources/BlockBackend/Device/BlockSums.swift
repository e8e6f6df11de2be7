import RingTransport

/// What a disk's processes have done in all, as sums of its status page.
///
/// | word | sum of |
/// |---|---|
/// | 0, 1, 2, 3 | reads, writes, flushes, discards |
/// | 4 | of the reads and writes, those with indirect segments |
/// | 5, 6 | bytes read, bytes written |
/// | 7 | requests answered with an error |
/// | 8 | events sent to the guest |
/// | 9 | the time that requests took, in nanoseconds, from the ring to the answer |
///
/// The last is counted without a clock for each request: so many were in flight for so long.
struct BlockSums: Sendable {
  private var sums: StatusSums
  private var inFlightNanoseconds: UInt64 = 0
  private var inFlightCount: UInt64 = 0
  private var since: UInt64 = 0

  init(_ page: StatusPage) {
    sums = StatusSums(page)
  }

  /// Takes in what a turn has come to.
  ///
  /// - Parameters:
  ///   - statistics: of the ring that is connected; nil without one.
  ///   - inFlightCount: requests that the turn has left unanswered.
  ///   - now: in nanoseconds.
  mutating func report(_ statistics: BlockStatistics?, inFlightCount: Int, now: UInt64) {
    if now > since { inFlightNanoseconds &+= self.inFlightCount * (now - since) }
    self.inFlightCount = UInt64(inFlightCount)
    since = now
    guard let statistics else { return }
    var values = InlineArray<16, UInt64>(repeating: 0)
    values[0] = statistics.reads
    values[1] = statistics.writes
    values[2] = statistics.flushes
    values[3] = statistics.discards
    values[4] = statistics.indirect
    values[5] = statistics.bytesRead
    values[6] = statistics.bytesWritten
    values[7] = statistics.errors
    values[8] = statistics.notifications
    values[9] = inFlightNanoseconds
    sums.report(values)
  }
}
