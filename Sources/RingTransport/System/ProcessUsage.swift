internal import Glibc

/// What this process has used of the machine, for its log.
public enum ProcessUsage {
  /// The most memory that was resident at once, in KiB (`ru_maxrss` of `getrusage(2)`); nil when
  /// the kernel does not tell.
  public static var peakResidentKiB: Int? {
    var usage = rusage()
    // SAFETY: a structure of ours, for the time of the call.
    guard unsafe getrusage(Int32(RUSAGE_SELF.rawValue), &usage) == 0 else { return nil }
    return usage.ru_maxrss
  }
}
