import Glibc
import RingTransport

/// The clocks by which a restart is measured, in microseconds.
enum ServiceClock {
  /// `CLOCK_MONOTONIC`
  static func microseconds() -> UInt64 { MonotonicClock.nanoseconds() / 1000 }

  /// `CLOCK_REALTIME`, to compare with what others in Dom0 have noted.
  static func timeOfDay() -> UInt64 {
    var time = timespec()
    // SAFETY: the structure is ours and initialised; the call only writes into it.
    let result = unsafe clock_gettime(CLOCK_REALTIME, &time)
    precondition(result == 0, "the clock of the day always exists")
    return UInt64(clamping: time.tv_sec) * 1_000_000 + UInt64(time.tv_nsec) / 1000
  }
}
