/// How long to wait before a process that died is started again.
struct BackOff: Equatable {
  /// The first restart is at once: most deaths are single, and a guest is waiting.
  private(set) var shortRunCount = 0

  /// A process that ran so long did not die of its start; the count begins anew.
  static let longRunMilliseconds: UInt64 = 30_000
  /// The second restart waits this long, each further one twice as long,
  static let firstDelayMilliseconds: UInt64 = 100
  /// up to this: libxl waits 10 s for a device, so there is always another try within.
  static let delayMillisecondsMax: UInt64 = 5_000

  /// Counts a death after a run of so many milliseconds, and gives the delay.
  mutating func delay(afterRunOf milliseconds: UInt64) -> UInt64 {
    if milliseconds >= Self.longRunMilliseconds { shortRunCount = 0 }
    // Six doublings pass the limit already; counting stops before the shift could overflow.
    shortRunCount = min(shortRunCount + 1, 16)
    if shortRunCount == 1 { return 0 }
    return min(
      Self.firstDelayMilliseconds << UInt64(shortRunCount - 2), Self.delayMillisecondsMax)
  }

  /// Forgets all deaths.
  mutating func reset() {
    shortRunCount = 0
  }
}
