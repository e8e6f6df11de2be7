import RingTransport

/// Replaces backend programs in place, as nodes of Dom0 ask. It does no I/O: events in, actions
/// out.
///
/// The file is copied beside the program and tried (`--version`); only then it takes the program's
/// name, and the processes give way to the next ones, each after the former's successor has run for
/// a moment. When a successor dies at once, the old program comes back. A node is answered once,
/// until its text changes or it goes. Times are milliseconds of the monotonic clock.
struct ProgramUpdates {
  typealias Role = BackendPrograms.Role

  /// What happened.
  enum Event: Equatable {
    /// The nodes that are there, with their texts.
    case wanted([Role: String])
    /// The process of an earlier `copy` or `tryOut` runs.
    case started(process: Int32)
    /// An action failed.
    case failed(String)
    /// The new file has the program's name.
    case activated
    /// A process was reaped; ask ``isStep(_:)`` first.
    case exited(process: Int32, end: ProcessEnd)
    /// These processes run, for these of all leaves.
    case changed([BackendLeaf: Int32], leaves: [BackendLeaf])
    case timeReached
  }

  /// What to do, in order.
  enum Action: Equatable {
    /// Start a process that copies the file beside the program.
    case copy(UpdateOrder)
    /// Start the copy with `--version`.
    case tryOut(Role)
    case kill(process: Int32)
    /// Give the copy the program's name, keep the old one, and get rid of old spares.
    case activate(Role)
    /// Have the leaf's process give way.
    case replace(BackendLeaf)
    /// Give the old program its name back, and get rid of new spares.
    case revert(Role)
    /// Remove the files that are not needed any more.
    case clean(Role)
  }

  /// A disk that needs longer for 64 MiB is not well.
  static let copyMilliseconds: UInt64 = 30_000
  static let trialMilliseconds: UInt64 = 5_000
  /// A successor that lives so long has adopted its device.
  static let settleMilliseconds: UInt64 = 1_000
  /// After SIGTERM and its time to drain: what a successor may need to appear.
  static let successorMilliseconds: UInt64 = 20_000

  enum Phase: Equatable {
    case idle
    case copying(UpdateOrder, process: Int32?, until: UInt64)
    case trying(UpdateOrder, process: Int32?, until: UInt64)
    case activating(UpdateOrder)
    case replacing(UpdateOrder, Replacement)
  }

  /// How far the processes are.
  struct Replacement: Equatable {
    /// Those that still run the old program, in order; the first is being replaced.
    var remaining: [(leaf: BackendLeaf, process: Int32)]
    var count: Int
    var successor: Int32?
    var until: UInt64

    static func == (left: Self, right: Self) -> Bool {
      left.count == right.count && left.successor == right.successor && left.until == right.until
        && left.remaining.elementsEqual(right.remaining) { $0 == $1 }
    }
  }

  var phase = Phase.idle
  var running: [BackendLeaf: Int32] = [:]
  var leaves: [BackendLeaf] = []
  /// What became of each order.
  private(set) var results: [Role: String] = [:]
  private var wanted: [Role: String] = [:]
  /// The texts that were answered, or are being worked on.
  private var taken: [Role: String] = [:]
  private let directories: [String]?
  let stopMilliseconds: UInt64

  init(directories: [String]?, stopMilliseconds: UInt64) {
    self.directories = directories
    self.stopMilliseconds = stopMilliseconds
  }

  /// When `timeReached` is due.
  var nextDeadline: UInt64? {
    switch phase {
    case .idle, .activating: nil
    // One that was killed is waited for; it has only a file to read.
    case .copying(_, _, let until), .trying(_, _, let until):
      until == .max ? nil : until
    case .replacing(_, let replacement): replacement.until
    }
  }

  /// Whether a process copies or tries a file.
  func isStep(_ process: Int32) -> Bool {
    switch phase {
    case .copying(_, process, _), .trying(_, process, _): true
    default: false
    }
  }

  /// Takes one event.
  mutating func handle(_ event: Event, now: UInt64) -> [Action] {
    switch event {
    case .wanted(let texts):
      wanted = texts
      return begin(now: now)
    case .started(let process): return started(process)
    case .failed(let reason): return fail(reason, now: now)
    case .activated: return activated(now: now)
    case .exited(let process, let end): return exited(process, end, now: now)
    case .changed(let running, let leaves):
      self.running = running
      self.leaves = leaves
      return advance(now: now)
    case .timeReached: return timeReached(now: now)
    }
  }

  /// Takes up the next order, if nothing is being done.
  mutating func begin(now: UInt64) -> [Action] {
    guard phase == .idle else { return [] }
    for role in Role.allCases {
      guard let text = wanted[role], !text.isEmpty else {
        taken[role] = nil
        continue
      }
      guard taken[role] != text else { continue }
      taken[role] = text
      do throws(UpdateOrder.Refusal) {
        let order = try UpdateOrder(text, role, directories: directories)
        results[role] = "running: \(order.file)"
        phase = .copying(order, process: nil, until: now + Self.copyMilliseconds)
        return [.copy(order)]
      } catch {
        results[role] = "refused: \(error.reason)"
      }
    }
    return []
  }

  mutating func finish(_ order: UpdateOrder, _ result: String, now: UInt64) -> [Action] {
    phase = .idle
    results[order.role] = result
    return [.clean(order.role)] + begin(now: now)
  }
}
