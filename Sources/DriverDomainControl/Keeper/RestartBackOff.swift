/// How long to wait before a driver domain that died is created again.
///
/// Guests stand still meanwhile, so the first deaths are followed at once; a domain that dies again
/// and again is slowed down, so that Dom0 has time for others. It is never given up: its guests'
/// disks wait without a limit, and what is broken may be repaired meanwhile.
struct RestartBackOff: Equatable {
  /// The delays after the first death, the second, and so on; the last one repeats.
  static let delaysMilliseconds: [UInt64] = [0, 0, 1_000, 2_000, 5_000, 10_000, 30_000]
  /// A domain that lived so long did not die of its start.
  static let longLifeMilliseconds: UInt64 = 60_000

  private(set) var count = 0

  /// Counts a death or a failed step, and gives the delay.
  mutating func delay(now: UInt64) -> UInt64 {
    let delay = Self.delaysMilliseconds[min(count, Self.delaysMilliseconds.count - 1)]
    // Further counts say nothing new.
    count = min(count + 1, Self.delaysMilliseconds.count)
    return delay
  }

  /// Forgets all deaths after a long life.
  mutating func livedFor(milliseconds: UInt64) {
    if milliseconds >= Self.longLifeMilliseconds { count = 0 }
  }
}
