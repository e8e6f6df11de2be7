/// Decides what is to be done next for a driver domain that has to live: a pure state machine.
///
/// It looks at what there *is* and names one step; the step is done, and it looks again. So a
/// keeper that was killed anywhere is followed by one that goes on from there, and a step that
/// failed is followed by the one that fits what it left. The rules, in this order:
///
/// - a domain that has ended is destroyed; what it leaves in XenStore goes before its number is
///   used again;
/// - a domain that this keeper has not brought to life is one of three: half made by a keeper that
///   died (paused: destroyed), made by hand (running: accepted, as it is), or its own (known by the
///   identity in XenStore);
/// - guests' devices are rebuilt while the kernel of a new domain starts: its backends take over
///   what they find whenever it comes;
/// - a domain that does not say in time that it serves is destroyed.
struct Keeper {
  /// What there is.
  struct View: Equatable {
    /// The domain with our number; nil when the number is free.
    var domain: DomainSighting?
    /// What was noted of the domain that was created last.
    var life: Life?
    /// There are nodes of a domain with our number that is not there any more.
    var hasLeavings = false
    /// How far the domain itself is.
    var readiness = Readiness.unknown
    /// Somebody wants another life of the domain.
    var wantsRestart = false
  }

  /// One thing to do.
  enum Step: Equatable {
    /// Nothing, until something changes or the time comes.
    case rest(until: UInt64?)
    /// Note what guests have been promised, stop the domain, take its PCI devices, destroy it.
    case end
    /// Remove the nodes that a dead domain has left.
    case clean
    /// Create the domain, paused.
    case create
    /// Let the new domain run.
    case start
    /// Make the backend directories of guests' devices again.
    case rebuild
    /// Note that the domain runs and that its guests have their devices.
    case settle
    /// The domain has ended for good.
    case finish
  }

  /// The domain says so itself within this time, or is destroyed; nil for a domain that never says.
  let readyMilliseconds: UInt64?
  private var backOff = RestartBackOff()
  /// No destruction or creation before this time.
  private var notBefore: UInt64 = 0
  /// The identity of the domain whose guests' devices have been rebuilt.
  private var rebuiltIdentity: String?
  /// When this keeper first saw the present domain run.
  private var runningSince: UInt64?
  /// The domain has ended by itself, in order.
  private var isFinal = false
  /// The domain is being ended because it was wanted so, or had ended: no failure is counted twice.
  private var countedDeath = false

  /// How often a number that is not free yet is looked at. A domain that dies in order is gone
  /// within a few milliseconds, and guests wait.
  static let pollMilliseconds: UInt64 = 10

  init(readyMilliseconds: UInt64?) {
    self.readyMilliseconds = readyMilliseconds
  }

  /// Names the next step.
  mutating func next(_ view: View, now: UInt64) -> Step {
    guard let domain = view.domain else { return nextWithout(view, now: now) }
    switch domain.state {
    case .dying:
      // Dom0's own drivers may be what keeps it: their nodes have to go first.
      return view.hasLeavings ? step(.clean, now: now) : .rest(until: now + Self.pollMilliseconds)
    case .shutDown(let reason):
      if reason == .powerOff { isFinal = true }
      noteDeath(isFailure: reason != .powerOff && reason != .reboot, now: now)
      return step(.end, now: now)
    case .running, .paused:
      return nextAlive(view, domain, now: now)
    }
  }

  /// Takes note of a step that failed. The next one waits, longer each time.
  mutating func failed(_ step: Step, now: UInt64) {
    notBefore = now + backOff.delay(now: now)
    if step == .rebuild { rebuiltIdentity = nil }
  }

  /// Takes note that a rebuild is complete.
  mutating func rebuilt(_ identity: String) {
    rebuiltIdentity = identity
  }

  private mutating func nextWithout(_ view: View, now: UInt64) -> Step {
    if view.hasLeavings { return step(.clean, now: now) }
    if isFinal { return .finish }
    if runningSince != nil || view.life != nil {
      // It went without a trace: `xl destroy`, or the hypervisor itself.
      noteDeath(isFailure: !view.wantsRestart, now: now)
    }
    runningSince = nil
    rebuiltIdentity = nil
    return step(.create, now: now)
  }

  private mutating func nextAlive(
    _ view: View, _ domain: DomainSighting, now: UInt64
  ) -> Step {
    let isOurs = view.life?.identity == domain.identity
    if !isOurs && domain.state == .paused { return step(.end, now: now) }
    if view.wantsRestart { return step(.end, now: now) }
    guard isOurs, view.life?.stage == .running else {
      if domain.state == .paused { return step(.start, now: now) }
      if rebuiltIdentity != domain.identity { return step(.rebuild, now: now) }
      return step(.settle, now: now)
    }
    countedDeath = false
    let since = runningSince ?? now
    runningSince = since
    if view.readiness.isServing {
      backOff.livedFor(milliseconds: now - since)
      return .rest(until: nil)
    }
    // A paused domain stands still because somebody wants it to.
    guard let readyMilliseconds, domain.state == .running else { return .rest(until: nil) }
    let deadline = since + readyMilliseconds
    if now < deadline { return .rest(until: deadline) }
    noteDeath(isFailure: true, now: now)
    return step(.end, now: now)
  }

  private mutating func noteDeath(isFailure: Bool, now: UInt64) {
    guard !countedDeath else { return }
    countedDeath = true
    if let since = runningSince { backOff.livedFor(milliseconds: now - since) }
    if isFailure { notBefore = max(notBefore, now + backOff.delay(now: now)) }
  }

  private func step(_ step: Step, now: UInt64) -> Step {
    now < notBefore ? .rest(until: notBefore) : step
  }
}

/// What is noted in XenStore of the domain that was created last.
struct Life: Equatable {
  /// How far the domain was brought.
  enum Stage: String {
    /// It exists; whether it was let run is to be seen, and its guests may wait for their devices.
    case created
    /// It was let run, and its guests have their devices.
    case running
  }

  /// ``DomainSighting/identity``
  var identity: String
  var stage: Stage

  init(identity: String, stage: Stage) {
    self.identity = identity
    self.stage = stage
  }

  /// Reads ``text``; nil where it is something else.
  init?(_ text: String) {
    let words = text.split(separator: " ")
    guard words.count == 2, let stage = Stage(rawValue: String(words[1])) else { return nil }
    self.init(identity: String(words[0]), stage: stage)
  }

  var text: String { "\(identity) \(stage.rawValue)" }
}

/// What a driver domain says of itself (`data/driver-domain/status`).
enum Readiness: Equatable {
  /// It has not said anything: it is booting, or is none of ours.
  case unknown
  case starting
  /// Guests are served, though perhaps not by all that was configured.
  case serving
  /// It ends by itself.
  case stopping

  init(status: String?) {
    self =
      switch status {
      case "ready", "failed": .serving
      case "starting": .starting
      case "stopping": .stopping
      default: .unknown
      }
  }

  /// Whether nothing is to be waited for.
  var isServing: Bool { self == .serving || self == .stopping }
}
