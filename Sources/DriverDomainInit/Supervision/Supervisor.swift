import RingTransport
import Logging

/// Decides which backend processes run. It does no I/O: events in, actions out.
///
/// The rule: each leaf has one process. One that is killed or fails while its device is connected
/// (state 4) is followed at once: the next process adopts the device, and the guest waits for it.
/// In every other case the leaf's state is read *after* the death, for the last words of the
/// process may have changed it: gone means done, anything else a new start. Processes that die
/// again and again are slowed down by ``BackOff``; when that does not help, or a process cannot
/// even be killed, the domain itself has to be started anew (``Action/escalate(_:)``).
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
    /// The process of an earlier `start` or `follow` runs.
    case started(BackendLeaf, process: Int32)
    /// The process of an earlier `start` or `follow` could not be made.
    case startFailed(BackendLeaf, reason: String)
    /// A process was reaped.
    case exited(process: Int32, end: ProcessEnd)
    /// A process shows no sign of life.
    case hung(process: Int32)
    /// A process is to give way to the next one: the program was updated.
    case replace(BackendLeaf)
    /// The next death of a leaf's process is somebody's wish, and no failure.
    case expected(BackendLeaf)
    /// The deadline that `nextDeadline` gave has passed.
    case timeReached
    /// The domain goes down: no more starts, and everybody is asked to leave.
    case stop
  }

  /// What to do, in order.
  enum Action: Equatable {
    case start(BackendLeaf)
    /// Start the next process of a connected device, about which nothing has changed.
    case follow(BackendLeaf)
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
    /// Nothing here can help any more: end the domain at once, so that Dom0 starts it anew. It is
    /// the last action.
    case escalate(String)
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
  /// After SIGKILL of a process whose guest waits: the same wait, and only a new kernel ends it.
  static let unkillableMilliseconds: UInt64 = 5_000
  /// A process that ran so long shows that the domain itself is well.
  static let steadyMilliseconds: UInt64 = 60_000

  var entries: [BackendLeaf: Entry] = [:]
  var shutdown = Shutdown.no
  /// Leaves that did not fit, to report each once.
  var refused: Set<BackendLeaf> = []
  let stopMilliseconds: UInt64
  let mayEscalate: Bool

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
  }

  /// One leaf.
  struct Entry: Equatable {
    var phase: Phase
    /// `state` as last read.
    var state: Int?
    var backOff = BackOff()
    /// Since when the leaf is gone while its process lives, and which signals it got for that.
    var orphan: Orphan?
    /// When the process was asked to give way to the next one.
    var replacedAt: UInt64?
    /// When the process was killed, or when somebody began to wait for a killed one.
    var killedAt: UInt64?
    /// The next death is no failure.
    var isDeathExpected = false
    /// How many processes followed the first.
    var restartCount = 0
    /// Whether it was said that no start helps.
    var isHopeless = false

    var isConnected: Bool { state == Supervisor.connectedState }
  }

  /// What is done to a process without a leaf.
  enum Orphan: Equatable {
    case noticed(at: UInt64)
    case terminated(at: UInt64)
    case killed
    /// Killed, and the leaf is there again: somebody waits for the next process.
    case missed
  }

  init(stopSeconds: Int, mayEscalate: Bool = true) {
    stopMilliseconds = UInt64(stopSeconds) * 1000
    self.mayEscalate = mayEscalate
  }

  /// All that runs or will run, for the log and tests.
  var leaves: [BackendLeaf] { entries.keys.sorted() }

  /// Whether a leaf was connected when it was last looked at.
  func isConnected(_ leaf: BackendLeaf) -> Bool { entries[leaf]?.isConnected == true }

  /// Takes one event.
  mutating func handle(_ event: Event, now: UInt64) -> [Action] {
    switch event {
    case .observed(let leaf, let state): return observed(leaf, state: state, now: now)
    case .vanished(let leaf): return vanished(leaf, now: now)
    case .listed(let leaves): return listed(leaves, now: now)
    case .started(let leaf, let process): return started(leaf, process: process, now: now)
    case .startFailed(let leaf, let reason):
      return died(leaf, end: .notStarted(reason), ranMilliseconds: 0, now: now)
    case .exited(let process, let end): return exited(process, end: end, now: now)
    case .hung(let process): return hung(process, now: now)
    case .replace(let leaf): return replace(leaf, now: now)
    case .expected(let leaf):
      entries[leaf]?.isDeathExpected = true
      return []
    case .timeReached: return timeReached(now: now)
    case .stop: return stop(now: now)
    }
  }
}
