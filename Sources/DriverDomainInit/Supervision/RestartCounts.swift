import RingTransport

/// When Dom0 is told how often backends were restarted: only when that changed, and at most once a
/// second, for a backend that dies all the time must not keep XenStore busy.
struct RestartCounts {
  static let periodMilliseconds: UInt64 = 1_000

  /// What was told last.
  private(set) var told: [BackendLeaf: Int] = [:]
  private var current: [BackendLeaf: Int] = [:]
  private var toldAt: UInt64?

  /// Takes the counts as they are now, 0 or more for each leaf.
  mutating func update(_ counts: [BackendLeaf: Int]) {
    current = counts.filter { $0.value > 0 }
  }

  /// When ``tell(now:)`` has something new to tell.
  var nextDeadline: UInt64? {
    guard current != told else { return nil }
    return toldAt.map { $0 + Self.periodMilliseconds } ?? 0
  }

  /// Makes the newest counts those that are told.
  mutating func tell(now: UInt64) {
    told = current
    toldAt = now
  }
}
