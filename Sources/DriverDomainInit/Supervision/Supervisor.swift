import RingTransport
import Logging

/// Decides which backend processes run. It does no I/O: events in, actions out.
///
/// The rule: each leaf has one process. What to do about a dead one is decided on the leaf's
/// state read *after* the death, for its last words may have changed it: gone means done;
/// connected (4) means that only adoption could help, which a new process cannot do yet, so the
/// leaf is held until the toolstack changes the state; anything else is a new start after a
/// back-off.
///
/// Times are milliseconds of the monotonic clock, given with each event.
struct Supervisor {
  /// What happened.
  enum Event: Equatable {
    /// A leaf is there with this `state`, or nil when that node is missing or no number.
    case observed(BackendLeaf, state: Int?)
    /// A leaf is not there.
    case vanished(BackendLeaf)
    /// The whole list of leaves was read; those not in it are not there.
    case listed([BackendLeaf])
    /// The process of an earlier `start` runs.
    case started(BackendLeaf, process: Int32)
    /// The process of an earlier `start` could not be made.
    case startFailed(BackendLeaf, reason: String)
    /// A process was reaped.
    case exited(process: Int32, end: ProcessEnd)
    /// The deadline that `nextDeadline` gave has passed.
    case timeReached
    /// The domain goes down: no more starts, and everybody is asked to leave.
    case stop
  }

  /// What to do, in order.
  enum Action: Equatable {
    case start(BackendLeaf)
    /// Send a signal to the process's group.
    case terminate(process: Int32)
    case kill(process: Int32)
    /// Read the leaf's state, and report it by `observed` or `vanished`.
    case observe(BackendLeaf)
    /// Read all leaves: one that did not fit may fit now.
    case list
    /// The leaf is gone and has no process: what was made for it is not needed any more.
    case release(BackendLeaf)
    case log(Logger.Level, String, BackendLeaf)
    /// After `stop`: no process is left, or none that can be helped.
    case stopped
  }

  /// A leaf is about 25 XenStore nodes and a domain's default quota is 1000, so 40 is usual;
  /// a raised quota gives more. At 2 MB a process this is what a domain of 512 MB can hold.
  static let deviceCountMax = 128
  /// A process whose leaf is gone has this long to notice by itself.
  static let orphanMilliseconds: UInt64 = 15_000
  /// After SIGTERM, before SIGKILL, for an orphan.
  static let terminationMilliseconds: UInt64 = 5_000
  /// After SIGKILL at shutdown: a process in an uninterruptible wait on a dead disk never goes.
  static let killMilliseconds: UInt64 = 2_000

  var entries: [BackendLeaf: Entry] = [:]
  var shutdown = Shutdown.no
  /// Leaves that did not fit, to report each once.
  var refused: Set<BackendLeaf> = []
  let stopMilliseconds: UInt64

  /// How far an orderly stop has come.
  enum Shutdown: Equatable {
    case no
    case draining(until: UInt64)
    case killing(until: UInt64)
    case done
  }

  /// What is known of a leaf's process.
  enum Phase: Equatable {
    case starting(at: UInt64)
    case running(process: Int32, since: UInt64)
    /// Dead; the leaf's state is being read to decide.
    case dead(ProcessEnd, ranMilliseconds: UInt64)
    case waiting(until: UInt64)
    /// Connected without a process.
    case held
  }

  /// One leaf.
  struct Entry: Equatable {
    var phase: Phase
    var backOff = BackOff()
    /// Since when the leaf is gone while its process lives, and which signals it got for that.
    var orphan: Orphan?
  }

  /// What is done to a process without a leaf.
  enum Orphan: Equatable {
    case noticed(at: UInt64)
    case terminated(at: UInt64)
    case killed
  }

  init(stopSeconds: Int) {
    stopMilliseconds = UInt64(stopSeconds) * 1000
  }

  /// All that runs or will run, for the log and tests.
  var leaves: [BackendLeaf] { entries.keys.sorted() }

  /// Takes one event.
  mutating func handle(_ event: Event, now: UInt64) -> [Action] {
    switch event {
    case .observed(let leaf, let state): return observed(leaf, state: state, now: now)
    case .vanished(let leaf): return vanished(leaf, now: now)
    case .listed(let leaves): return listed(leaves, now: now)
    case .started(let leaf, let process): return started(leaf, process: process, now: now)
    case .startFailed(let leaf, let reason):
      return died(leaf, end: .notStarted(reason), ranMilliseconds: 0)
    case .exited(let process, let end): return exited(process, end: end, now: now)
    case .timeReached: return timeReached(now: now)
    case .stop: return stop(now: now)
    }
  }

  /// When `timeReached` is due, if nothing else happens.
  var nextDeadline: UInt64? {
    var deadlines: [UInt64] = []
    switch shutdown {
    case .no, .done: break
    case .draining(let until), .killing(let until): deadlines.append(until)
    }
    for entry in entries.values {
      switch (entry.phase, entry.orphan) {
      case (.waiting(let until), _): deadlines.append(until)
      // Only a living process can be pressed; a deadline nobody acts on would never go away.
      case (.running, .noticed(let at)): deadlines.append(at + Self.orphanMilliseconds)
      case (.running, .terminated(let at)): deadlines.append(at + Self.terminationMilliseconds)
      default: break
      }
    }
    return deadlines.min()
  }
}
