import Logging
import RingTransport

/// Keeps one driver domain alive: looks, has ``Keeper`` decide, does what it says.
///
/// Calls of libxl block, and nothing else is to be done meanwhile: there is one service for each
/// driver domain. One thread uses it.
struct KeeperService<Tools: Toolstack & ~Copyable, Transport: XenStoreTransport & ~Copyable>:
  ~Copyable
{
  /// What a service is about.
  struct Subject {
    let name: String
    let domain: DomainIdentifier
    let readySeconds: Int
    /// The files that an upgrade replaces; none where the configuration does not name them.
    var images: [String] = []
  }

  /// What comes after a turn.
  enum Outcome: Equatable {
    /// Look again at once.
    case goOn
    /// Look again when something changes, or at the time.
    case rest(until: UInt64?)
    /// The domain has ended for good.
    case finished
  }

  let subject: Subject
  let log: Logger
  /// Asks `xl` what the domain is to be; nil when it does not say.
  let describe: () -> DomainDescription?
  let paths: KeeperPaths
  let rebuilder: Rebuilder
  var pciDevices: PCIDevices
  var tools: Tools
  var store: Store<Transport>
  var keeper: Keeper
  var times = RestartTimes()
  var life: Life?
  /// Whether the domain ran before, since Dom0 was booted.
  var hasLived = false
  var restartCount = 0
  /// The last description that was good: an error in an edited file must not keep guests waiting.
  var description: DomainDescription?
  /// When the leaves are to be copied; nil while nothing has changed.
  var rememberAt: UInt64?
  /// An image that is being tried: it is kept when the domain serves, and taken back before that.
  var upgrade: ImageUpgrade?
  /// The request that has been judged and not begun yet.
  var acceptedRequest: KeeperRequest?
  /// Whose answer is owed when the domain serves.
  var openRequest: String?
  private var lastActivity = ""

  private static var leavesToken: String { "leaves" }

  /// Changes of leaves come in groups: a device that is being connected changes several times. The
  /// copy is needed only where the leaf itself is lost, and then it may be late by so much.
  static var rememberMilliseconds: UInt64 { 50 }

  init(
    _ subject: Subject, tools: consuming Tools, store: consuming Store<Transport>, log: Logger,
    describe: @escaping () -> DomainDescription?
  ) {
    self.subject = subject
    self.log = log
    self.describe = describe
    paths = KeeperPaths(name: subject.name)
    rebuilder = Rebuilder(
      driverDomain: subject.domain, paths: KeeperPaths(name: subject.name), log: log)
    pciDevices = PCIDevices(driverDomain: subject.domain)
    self.tools = tools
    self.store = store
    keeper = Keeper(
      readyMilliseconds: subject.readySeconds > 0 ? UInt64(subject.readySeconds) * 1000 : nil)
  }

  /// Takes over what an earlier keeper has noted, and begins to watch.
  mutating func begin(process: Int32) throws(KeeperError) {
    if let other = tools.number(ofDomainNamed: subject.name), other != subject.domain {
      throw .otherNumber(name: subject.name, is: other, wanted: subject.domain)
    }
    description = describe()
    if description == nil { throw .noDescription }
    let noted = try store.values(of: [paths.life, paths.restarts, paths.upgrade])
    life = noted[0].flatMap { Life($0) }
    hasLived = noted[1] != nil
    restartCount = noted[1].flatMap { Int($0) } ?? 0
    if noted[2] != nil { upgrade = ImageUpgrade(files: subject.images) }
    try store.write(paths.domain, subject.domain.description)
    try store.write(paths.process, String(process))
    try store.write(paths.restarts, String(restartCount))
    let domain = StorePaths.domain(subject.domain)
    try store.watch("@releaseDomain", token: "release")
    try store.watch(domain.appending("backend"), token: Self.leavesToken)
    try store.watch(domain.appending("data/driver-domain/status"), token: "status")
    try store.watch(paths.request, token: "request")
    rememberAt = 0
  }

  /// Looks once, and does one thing.
  mutating func turn(now: UInt64) throws(KeeperError) -> Outcome {
    _ = try takeChanges(now: now)
    let view = try look()
    let step = keeper.next(view, now: now)
    switch step {
    case .rest(let until):
      let outcome = try rest(view, until: until, now: now)
      // What came beside answers is not in the connection any more, and would not wake us.
      return try takeChanges(now: now) ? .goOn : outcome
    case .finish:
      try tell("stopped: the domain has shut down by itself")
      return .finished
    default: break
    }
    do throws(KeeperError) {
      try perform(step, view)
    } catch {
      // Without XenStore nothing can be done, and another's domain is not ours to end.
      if error.isFinal { throw error }
      log.error("a step failed", metadata: ["step": "\(step)", "reason": "\(error)"])
      keeper.failed(step, now: now)
      if step == .create { try rollBackUpgrade() }
    }
    return .goOn
  }

  /// Takes what has changed; false when nothing has.
  mutating func takeChanges(now: UInt64) throws(KeeperError) -> Bool {
    var hasChanges = false
    while let change = try store.nextChange() {
      hasChanges = true
      if change.token == Self.leavesToken, rememberAt == nil {
        rememberAt = now + Self.rememberMilliseconds
      }
    }
    return hasChanges
  }

  private mutating func look() throws(KeeperError) -> Keeper.View {
    var view = Keeper.View(domain: try tools.lookUp(subject.domain), life: life)
    let directory = StorePaths.domain(subject.domain)
    let values = try store.values(of: [
      directory.appending("name"), directory.appending("data/driver-domain/status"),
      paths.request,
    ])
    switch view.domain?.state {
    case nil, .dying:
      view.hasLeavings = try !Leavings(driverDomain: subject.domain).find(in: &store).isEmpty
    default:
      if let name = values[0], name != subject.name {
        throw .numberTaken(subject.domain, by: name)
      }
    }
    view.readiness = Readiness(status: values[1])
    if let text = values[2] { view.wantsRestart = try accept(text) }
    return view
  }

  private mutating func rest(
    _ view: Keeper.View, until: UInt64?, now: UInt64
  ) throws(KeeperError) -> Outcome {
    guard view.domain?.state == .running else { return .rest(until: until) }
    if view.readiness.isServing { try noteServing() }
    guard let time = rememberAt else { return .rest(until: until) }
    if time > now { return .rest(until: min(until ?? time, time)) }
    rememberAt = nil
    try rebuilder.remember(in: &store)
    return .rest(until: until)
  }

  /// Writes what the keeper does, where `ddctl status` reads it, and into the log.
  mutating func tell(_ activity: String) throws(KeeperError) {
    guard activity != lastActivity else { return }
    lastActivity = activity
    log.notice("\(activity)")
    try store.write(paths.activity, activity)
  }
}
