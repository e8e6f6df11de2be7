internal import CLinux
internal import Glibc

/// The clock by which everything here waits and measures: it starts at an arbitrary moment, and
/// nobody sets it back (`CLOCK_MONOTONIC` of `clock_gettime(2)`).
public enum MonotonicClock {
  /// The time in nanoseconds.
  public static func nanoseconds() -> UInt64 {
    var time = timespec()
    // SAFETY: the structure is ours and initialised; the call only writes into it.
    let result = unsafe clock_gettime(CLOCK_MONOTONIC, &time)
    precondition(result == 0, "the monotonic clock always exists")
    return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
  }

  /// The time in milliseconds.
  public static func milliseconds() -> UInt64 {
    nanoseconds() / 1_000_000
  }
}
