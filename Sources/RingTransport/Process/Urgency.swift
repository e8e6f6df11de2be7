internal import CLinux

/// How the calling thread shares the processor with others (`setpriority(2)`). A thread passes it
/// on to threads and processes that it starts.
///
/// Without the right to change it, it stays as it is.
public enum Urgency: Int32, Sendable {
  /// A guest waits for this, and for nothing else.
  case takingOver = -20
  /// As all others.
  case serving = 0
  /// A spare that is being started: whoever serves comes first.
  case starting = 19

  /// Sets the calling thread's.
  public func apply() {
    _ = c_set_niceness(rawValue)
  }
}
