/// How long to wait before a process that died is started again, and when trying has no sense.
///
/// A guest stands still meanwhile, so a few deaths are followed at once; only a process that dies
/// again and again is slowed down, so that it leaves the processor to the others.
struct BackOff: Equatable {
  /// The deaths that still count, in milliseconds of the monotonic clock, oldest first.
  private(set) var deaths: [UInt64] = []
  /// How often in a row the delay was doubled.
  private var doublingCount: UInt64 = 0

  /// This many deaths within ``freeMilliseconds`` cost nothing.
  static let freeCount = 3
  static let freeMilliseconds: UInt64 = 10_000
  /// The first delay, each further one twice as long,
  static let firstDelayMilliseconds: UInt64 = 10
  /// up to this: a frontend gives up no sooner than after 5 s, so there are several tries within.
  static let delayMillisecondsMax: UInt64 = 1_000
  /// A process that ran so long did not die of its start; the count begins anew.
  static let longRunMilliseconds: UInt64 = 60_000
  /// With more deaths within ``windowMilliseconds``, another start will not help.
  static let deathCountMax = 20
  static let windowMilliseconds: UInt64 = 60_000

  /// Counts a death after a run of so many milliseconds, and gives the delay.
  mutating func delay(afterRunOf milliseconds: UInt64, now: UInt64) -> UInt64 {
    if milliseconds >= Self.longRunMilliseconds { reset() }
    deaths.removeAll { $0 + Self.windowMilliseconds <= now }
    // One more than the limit says all that there is to know.
    if deaths.count > Self.deathCountMax { deaths.removeFirst() }
    deaths.append(now)
    let recentCount = deaths.count { $0 + Self.freeMilliseconds > now }
    guard recentCount > Self.freeCount else {
      doublingCount = 0
      return 0
    }
    // Seven doublings pass the limit; counting stops before the shift could overflow.
    let delay = min(Self.firstDelayMilliseconds << doublingCount, Self.delayMillisecondsMax)
    doublingCount = min(doublingCount + 1, 16)
    return delay
  }

  /// Whether the last death was one too many.
  var isExhausted: Bool { deaths.count > Self.deathCountMax }

  /// Forgets all deaths.
  mutating func reset() {
    deaths = []
    doublingCount = 0
  }
}
