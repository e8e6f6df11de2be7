/// Decides which spare processes wait for an order: one for each backend program that has devices.
/// It does no I/O: events in, actions out. Times are milliseconds of the monotonic clock.
///
/// A spare has done all of its start that takes time, so it takes a dead backend's place within
/// the turn of the event loop that sees the death.
struct SparePool {
  typealias Role = BackendPrograms.Role

  /// What happened.
  enum Event: Equatable {
    /// Whether there are devices that may need one.
    case wanted(Role, Bool)
    /// The program was replaced by another: a spare of the old one is of no use.
    case outdated(Role)
    case started(Role, process: Int32)
    case startFailed(Role)
    /// A spare was reaped; ask ``role(of:)`` first.
    case exited(process: Int32)
    case timeReached
  }

  /// What to do, in order.
  enum Action: Equatable {
    case start(Role)
    /// Nobody will give it an order: it has nothing to lose.
    case kill(Role, process: Int32)
  }

  /// The process that took a spare's place has the processor first, and so has what waited for it.
  static let refillMilliseconds: UInt64 = 200
  /// Whoever makes several devices at once comes first, too.
  static let delayMilliseconds: UInt64 = 100
  /// A program that cannot wait as a spare is tried again more and more seldom, up to this.
  static let delayMillisecondsMax: UInt64 = 60_000

  private enum Phase: Equatable {
    case none
    case due(at: UInt64)
    case starting
    case waiting(process: Int32)
  }

  private struct Place {
    var phase = Phase.none
    var isWanted = false
    /// Spares in a row that died before they were needed.
    var deathCount: UInt64 = 0
  }

  private var places: [Role: Place] = [:]

  /// When `timeReached` is due.
  var nextDeadline: UInt64? {
    places.values.compactMap { place in
      if case .due(let at) = place.phase { at } else { nil }
    }.min()
  }

  /// The program that a process waits to become; nil for a process that is no spare.
  func role(of process: Int32) -> Role? {
    places.first { $0.value.phase == .waiting(process: process) }?.key
  }

  /// The process that waits to become a program.
  func waiting(_ role: Role) -> Int32? {
    if case .waiting(let process) = places[role]?.phase { process } else { nil }
  }

  /// Takes the waiting process, if there is one, and has it replaced in a moment.
  mutating func take(_ role: Role, now: UInt64) -> Int32? {
    guard let process = waiting(role) else { return nil }
    places[role]?.phase = .due(at: now + Self.refillMilliseconds)
    places[role]?.deathCount = 0
    return process
  }

  /// Takes one event.
  mutating func handle(_ event: Event, now: UInt64) -> [Action] {
    switch event {
    case .wanted(let role, let isWanted): return want(role, isWanted, now: now)
    case .outdated(let role):
      guard case .waiting(let process) = places[role]?.phase else { return [] }
      places[role]?.phase = .due(at: now)
      places[role]?.deathCount = 0
      return [.kill(role, process: process)]
    case .started(let role, let process):
      guard places[role]?.phase == .starting else { return [.kill(role, process: process)] }
      places[role]?.phase = .waiting(process: process)
      return []
    case .startFailed(let role):
      retry(role, now: now)
      return []
    case .exited(let process):
      if let role = role(of: process) { retry(role, now: now) }
      return []
    case .timeReached: return timeReached(now: now)
    }
  }

  private mutating func want(_ role: Role, _ isWanted: Bool, now: UInt64) -> [Action] {
    var place = places[role] ?? Place()
    guard place.isWanted != isWanted else { return [] }
    place.isWanted = isWanted
    defer { places[role] = place }
    let phase = place.phase
    place.phase = isWanted ? .due(at: now + Self.delayMilliseconds) : .none
    if case .waiting(let process) = phase { return [.kill(role, process: process)] }
    return []
  }

  private mutating func retry(_ role: Role, now: UInt64) {
    guard var place = places[role], place.isWanted else { return }
    // Ten doublings pass the limit; counting stops before the shift could overflow.
    let delay = min(Self.delayMilliseconds << place.deathCount, Self.delayMillisecondsMax)
    place.deathCount = min(place.deathCount + 1, 16)
    place.phase = .due(at: now + delay)
    places[role] = place
  }

  private mutating func timeReached(now: UInt64) -> [Action] {
    var actions: [Action] = []
    for role in Role.allCases {
      guard case .due(let at) = places[role]?.phase, at <= now else { continue }
      places[role]?.phase = .starting
      actions.append(.start(role))
    }
    return actions
  }
}
