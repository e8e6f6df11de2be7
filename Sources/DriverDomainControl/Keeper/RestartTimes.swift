/// How long the parts of a restart took: what guests waited for. In microseconds throughout.
struct RestartTimes: Equatable {
  /// The parts, in their order.
  enum Part: String, CaseIterable {
    /// From the death, as soon as it was noticed, or from the wish, until the domain is destroyed
    /// and its number is free.
    case destroy
    /// Until it exists again, paused.
    case create
    /// Until guests' devices are rebuilt; its kernel starts meanwhile.
    case rebuild
    /// Until it says that it serves: the rest of its start.
    case boot
  }

  /// What a restart took in the end.
  struct Result: Equatable {
    /// When it was noticed, by the clock of the day (`CLOCK_REALTIME`): who has caused the death
    /// knows how long that took.
    var noticedAt: UInt64
    /// The parts that there were.
    var parts: [Part: UInt64]
    var total: UInt64

    /// For administrators, `total 1200 ms: destroy 210, create 340, ...`.
    var text: String {
      "total \(Self.milliseconds(total)) ms: "
        + ordered.map { "\($0.rawValue) \(Self.milliseconds($1))" }.joined(separator: ", ")
    }

    /// For programs, `noticed-at=1700000000000000 total=1200345 destroy=210123 ...`.
    var fields: String {
      (["noticed-at=\(noticedAt)", "total=\(total)"]
        + ordered.map { "\($0.rawValue)=\($1)" }).joined(separator: " ")
    }

    private var ordered: [(Part, UInt64)] {
      Part.allCases.compactMap { part in parts[part].map { (part, $0) } }
    }

    private static func milliseconds(_ microseconds: UInt64) -> UInt64 {
      (microseconds + 500) / 1000
    }
  }

  private var startedAt: UInt64?
  private var noticedAt: UInt64 = 0
  private var ends: [Part: UInt64] = [:]

  /// Begins at the first sign of an end; more of them change nothing.
  ///
  /// - Parameter timeOfDay: the same moment by `CLOCK_REALTIME`.
  mutating func begin(now: UInt64, timeOfDay: UInt64) {
    guard startedAt == nil else { return }
    startedAt = now
    noticedAt = timeOfDay
  }

  /// A part is over; one that had to be repeated counts to its last end.
  mutating func end(_ part: Part, now: UInt64) {
    if startedAt != nil { ends[part] = now }
  }

  /// Ends the measurement; nil when none was under way.
  mutating func finish(now: UInt64) -> Result? {
    guard let start = startedAt else { return nil }
    var last = start
    var parts: [Part: UInt64] = [:]
    for part in Part.allCases {
      guard let end = ends[part] else { continue }
      parts[part] = end - min(last, end)
      last = max(last, end)
    }
    let result = Result(noticedAt: noticedAt, parts: parts, total: max(now, start) - start)
    self = RestartTimes()
    return result
  }
}
