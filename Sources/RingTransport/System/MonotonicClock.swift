internal import CLinux
internal import Glibc

/// The clock by which everything here waits and measures: it starts at an arbitrary moment, and
/// nobody sets it back (`CLOCK_MONOTONIC` of `clock_gettime(2)`).
public enum MonotonicClock {
  /// The time in nanoseconds.
  public static func nanoseconds() -> UInt64 {
    read(CLOCK_MONOTONIC)
  }

  /// The time of the last tick, a few milliseconds ago at most, in nanoseconds
  /// (`CLOCK_MONOTONIC_COARSE`).
  ///
  /// For the data path. A PV domain whose time stamp counter Xen does not trust reads the exact
  /// time by a system call; this one is always in memory.
  public static func recentNanoseconds() -> UInt64 {
    read(CLOCK_MONOTONIC_COARSE)
  }

  private static func read(_ clock: clockid_t) -> UInt64 {
    var time = timespec()
    // SAFETY: the structure is ours and initialised; the call only writes into it.
    let result = unsafe clock_gettime(clock, &time)
    precondition(result == 0, "the monotonic clocks always exist")
    return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
  }

  /// The time in milliseconds.
  public static func milliseconds() -> UInt64 {
    nanoseconds() / 1_000_000
  }
}
