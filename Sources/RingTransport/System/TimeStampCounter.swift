internal import CLinux

/// The processor's time stamp counter (`RDTSC`): the one clock that a process always reads without
/// a system call. Processors may differ, and it may jump: for short times that may be wrong.
public enum TimeStampCounter {
  /// Ticks since an arbitrary moment.
  public static func now() -> UInt64 { c_time_stamp() }
}

/// How fast the time stamp counter counts, measured from when an instance is made.
public struct TimeStampRate: Sendable {
  private let startTicks = TimeStampCounter.now()
  private let startNanoseconds = MonotonicClock.nanoseconds()
  /// Long against the time between the two readings.
  private static let measuringNanoseconds: UInt64 = 10_000_000

  /// Starts to measure.
  public init() {}

  /// The ticks of a time in microseconds; nil until 10 ms after the start.
  public func ticks(microseconds: Int) -> UInt64? {
    let elapsed = MonotonicClock.nanoseconds() - startNanoseconds
    guard elapsed >= Self.measuringNanoseconds else { return nil }
    let ticks = TimeStampCounter.now() &- startTicks
    return ticks / (elapsed / 1000) * UInt64(microseconds)
  }
}
