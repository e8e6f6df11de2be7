/// A rehearsal of failures: a signal to one backend after the other, as Dom0 asks for by the node
/// `data/driver-domain/drill`.
///
/// Pure: it says whom to signal when. The deaths that it causes are no failures, so nothing is
/// slowed down by them.
struct Drill: Equatable {
  /// What happens to a backend.
  enum Blow: String, CaseIterable {
    /// It dies at once (SIGKILL).
    case kill
    /// It dies together with the processes that wait to follow it.
    case both
    /// It hangs (SIGSTOP), until init notices.
    case stop
    /// It is asked to give way to the next (SIGTERM).
    case term
    /// The whole domain ends itself, as when its backends cannot be kept alive.
    case panic
  }

  let blow: Blow
  let periodMilliseconds: UInt64
  /// How many backends were signalled.
  private(set) var count = 0
  private(set) var nextDeadline: UInt64

  /// Faster than a backend takes its device over, the guest would see nothing but the drill.
  static let periodRange: ClosedRange<UInt64> = 20...3_600_000

  /// Reads `kill:500`: a signal every 500 ms.
  init?(_ text: String, now: UInt64) {
    let parts = text.split(separator: ":", omittingEmptySubsequences: false)
    guard parts.count == 2, let blow = Blow(rawValue: String(parts[0])),
      let period = UInt64(parts[1]), Self.periodRange.contains(period)
    else { return nil }
    self.blow = blow
    periodMilliseconds = period
    nextDeadline = now + period
  }

  /// Chooses the next of the running processes, which are in the order of their leaves.
  mutating func next<Process>(among running: [Process], now: UInt64) -> Process? {
    nextDeadline = now + periodMilliseconds
    guard !running.isEmpty else { return nil }
    defer { count += 1 }
    return running[count % running.count]
  }
}
