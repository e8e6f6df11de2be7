/// How long to look for more work before going to sleep: as long as that has lately been worth it,
/// and no longer than a limit.
///
/// To sleep and to be woken costs a domain several changes of page tables, and a guest an event,
/// often more than the wait itself. The window opens when waits turn out shorter than the limit,
/// grows while they do, and closes when they are longer, so that an idle device costs nothing. The
/// idle loop of Linux in guests works alike (`drivers/cpuidle/governors/haltpoll.c`).
///
/// Times are ticks of ``TimeStampCounter``. One thread uses an instance.
public struct PollWindow: Sendable {
  /// What an administrator may choose. More would keep a processor from others for longer than any
  /// device is worth.
  public static let limitMicrosecondsRange = 0...10_000

  private var limitTicks: UInt64
  private var ticks: UInt64 = 0
  /// What the limit will be when it is known how fast the counter counts.
  private var unmeasured: (rate: TimeStampRate, limitMicroseconds: Int)?

  /// A closed window, which stays closed for 10 ms.
  ///
  /// - Parameter limitMicroseconds: how far it opens at most; 0 for never.
  public init(limitMicroseconds: Int) {
    self.init(limitTicks: 0)
    if limitMicroseconds > 0 { unmeasured = (TimeStampRate(), limitMicroseconds) }
  }

  /// A closed window.
  ///
  /// - Parameter limitTicks: how far it opens at most; 0 for never.
  public init(limitTicks: UInt64) {
    self.limitTicks = limitTicks
  }

  /// Whether to look at all.
  public var isOpen: Bool { ticks > 0 }

  /// Whether to look on, so long after the last work.
  public func contains(_ elapsedTicks: UInt64) -> Bool { elapsedTicks < ticks }

  /// Takes in how long nothing came, while looking and asleep.
  public mutating func slept(_ elapsedTicks: UInt64) {
    if let (rate, limitMicroseconds) = unmeasured {
      guard let limit = rate.ticks(microseconds: limitMicroseconds) else { return }
      limitTicks = limit
      unmeasured = nil
      return
    }
    if elapsedTicks < limitTicks {
      ticks = min(limitTicks, max(2 * ticks, limitTicks / 4))
    } else {
      ticks /= 2
      if ticks < limitTicks / 8 { ticks = 0 }
    }
  }
}
