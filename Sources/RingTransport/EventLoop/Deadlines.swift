/// The times at which an owner wants to be woken, one of each kind; the kinds are numbered from 0.
public struct Deadlines<Kind: RawRepresentable & CaseIterable>: Sendable
where Kind.RawValue == Int {
  private var times = [UInt64](repeating: .max, count: Kind.allCases.count)

  /// No deadline.
  public init() {}

  /// The earliest, nil when there is none, in nanoseconds of the monotonic clock.
  public var next: UInt64? {
    var earliest = UInt64.max
    for time in times where time < earliest { earliest = time }
    return earliest == .max ? nil : earliest
  }

  /// Sets or moves a deadline.
  public mutating func set(_ kind: Kind, _ time: UInt64) {
    times[kind.rawValue] = time
  }

  /// Forgets a deadline.
  public mutating func clear(_ kind: Kind) {
    times[kind.rawValue] = .max
  }

  /// Whether a deadline has passed, which also forgets it.
  public mutating func take(_ kind: Kind, _ now: UInt64) -> Bool {
    guard times[kind.rawValue] <= now else { return false }
    clear(kind)
    return true
  }
}
