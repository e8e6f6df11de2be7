/// Decides which processes wait to take a dead backend's place, one for each key. It does no I/O:
/// events in, actions out. Times are milliseconds of the monotonic clock.
///
/// There are two kinds. A spare waits for any device of a program, with all of its start done that
/// takes time. A successor waits for one connected device, and has got ready for it.
struct SparePool<Key: Hashable & Comparable> {
  /// What happened.
  enum Event: Equatable {
    /// Whether there is a device that may need one.
    case wanted(Key, Bool)
    /// It is ready for something else than what it would be needed for now.
    case outdated(Key)
    case started(Key, process: Int32)
    case startFailed(Key)
    /// One was reaped; ask ``key(of:)`` first.
    case exited(process: Int32)
    case timeReached
  }

  /// What to do, in order.
  enum Action: Equatable {
    case start(Key)
    /// Nobody will need it: it has nothing to lose.
    case kill(Key, process: Int32)
  }

  /// The process that took over has the processor first, and so has what waited for it.
  static var refillMilliseconds: UInt64 { 200 }
  /// Whoever makes several devices at once comes first, too.
  static var delayMilliseconds: UInt64 { 100 }
  /// What cannot wait is tried again more and more seldom, up to this.
  static var delayMillisecondsMax: UInt64 { 60_000 }

  private enum Phase: Equatable {
    case due(at: UInt64)
    case starting
    case waiting(process: Int32)
  }

  private struct Place {
    var phase: Phase
    /// How many in a row died before they were needed.
    var deathCount: UInt64 = 0
  }

  private var places: [Key: Place] = [:]

  /// When `timeReached` is due.
  var nextDeadline: UInt64? {
    places.values.compactMap { place in
      if case .due(let at) = place.phase { at } else { nil }
    }.min()
  }

  /// All for which a process waits, or will.
  var keys: [Key] { Array(places.keys) }

  /// What a process waits for; nil for one that does not wait.
  func key(of process: Int32) -> Key? {
    places.first { $0.value.phase == .waiting(process: process) }?.key
  }

  /// The process that waits.
  func waiting(_ key: Key) -> Int32? {
    if case .waiting(let process) = places[key]?.phase { process } else { nil }
  }

  /// Takes the waiting process, if there is one, and has it replaced in a moment.
  mutating func take(_ key: Key, now: UInt64) -> Int32? {
    guard let process = waiting(key) else { return nil }
    places[key]?.phase = .due(at: now + Self.refillMilliseconds)
    places[key]?.deathCount = 0
    return process
  }

  /// Takes one event.
  mutating func handle(_ event: Event, now: UInt64) -> [Action] {
    switch event {
    case .wanted(let key, let isWanted): return want(key, isWanted, now: now)
    case .outdated(let key):
      guard case .waiting(let process) = places[key]?.phase else { return [] }
      places[key]?.phase = .due(at: now)
      places[key]?.deathCount = 0
      return [.kill(key, process: process)]
    case .started(let key, let process):
      guard places[key]?.phase == .starting else { return [.kill(key, process: process)] }
      places[key]?.phase = .waiting(process: process)
      return []
    case .startFailed(let key):
      retry(key, now: now)
      return []
    case .exited(let process):
      if let key = key(of: process) { retry(key, now: now) }
      return []
    case .timeReached: return timeReached(now: now)
    }
  }

  private mutating func want(_ key: Key, _ isWanted: Bool, now: UInt64) -> [Action] {
    guard isWanted != (places[key] != nil) else { return [] }
    guard isWanted else {
      let place = places.removeValue(forKey: key)
      if case .waiting(let process) = place?.phase { return [.kill(key, process: process)] }
      return []
    }
    places[key] = Place(phase: .due(at: now + Self.delayMilliseconds))
    return []
  }

  private mutating func retry(_ key: Key, now: UInt64) {
    guard var place = places[key] else { return }
    // Ten doublings pass the limit; counting stops before the shift could overflow.
    let delay = min(Self.delayMilliseconds << place.deathCount, Self.delayMillisecondsMax)
    place.deathCount = min(place.deathCount + 1, 16)
    place.phase = .due(at: now + delay)
    places[key] = place
  }

  private mutating func timeReached(now: UInt64) -> [Action] {
    var actions: [Action] = []
    for key in places.keys.sorted() {
      guard case .due(let at) = places[key]?.phase, at <= now else { continue }
      places[key]?.phase = .starting
      actions.append(.start(key))
    }
    return actions
  }
}
