/// How long the parts of a restart took, in milliseconds: what guests waited for.
struct RestartTimes: Equatable {
  /// The parts, in their order.
  enum Part: String, CaseIterable {
    /// From the death, or the wish, until the domain is destroyed and its number free.
    case destroy
    /// Until it exists again, paused.
    case create
    /// Until guests' devices are rebuilt and it may run.
    case rebuild
    /// Until it says that it serves.
    case boot
  }

  private var startedAt: UInt64?
  private var ends: [Part: UInt64] = [:]

  /// Begins at the first sign of an end; more of them change nothing.
  mutating func begin(now: UInt64) {
    if startedAt == nil { startedAt = now }
  }

  /// A part is over; one that had to be repeated counts to its last end.
  mutating func end(_ part: Part, now: UInt64) {
    if startedAt != nil { ends[part] = now }
  }

  /// Whether a restart is under way.
  var isRunning: Bool { startedAt != nil }

  /// Ends the measurement and gives its text, `total 1200 ms: destroy 210, create 340, ...`; nil
  /// when none was under way.
  mutating func finish(now: UInt64) -> String? {
    guard let start = startedAt else { return nil }
    var last = start
    var parts: [String] = []
    for part in Part.allCases {
      guard let end = ends[part] else { continue }
      parts.append("\(part.rawValue) \(end - min(last, end))")
      last = max(last, end)
    }
    self = RestartTimes()
    return "total \(now - start) ms: " + parts.joined(separator: ", ")
  }
}
