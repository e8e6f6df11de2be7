import Logging
import RingTransport

/// Doing what ``Keeper`` says.
extension KeeperService where Tools: ~Copyable, Transport: ~Copyable {
  mutating func perform(
    _ step: Keeper.Step, _ view: Keeper.View
  ) throws(KeeperError) {
    switch step {
    case .end: try end(view)
    case .clean: try clean()
    case .create: try create(view)
    case .start: try tools.unpause(subject.domain)
    case .rebuild: try rebuild(view)
    case .settle: try settle(view)
    case .rest, .finish: break
    }
  }

  private mutating func end(_ view: Keeper.View) throws(KeeperError) {
    guard let domain = view.domain else { return }
    beginTimes()
    try tell("ending: \(reason(view, domain))")
    // Before anything else: libxl removes the leaves. What changed in them before this look at the
    // domain has been told, as XenStore's answers to the look came after it. Where nothing changed,
    // the copies are good, and guests need not wait until all is read again.
    _ = try takeChanges(now: MonotonicClock.milliseconds())
    if rememberAt != nil {
      try rebuilder.remember(in: &store)
      rememberAt = nil
    }
    if !view.wantsRestart && domain.identity == life?.identity {
      // The new image did not live until it served.
      try rollBackUpgrade()
    }
    // A domain that is paused and not noted is ended by any keeper, whatever happens to this one.
    try store.remove([paths.life])
    life = nil
    // A backend that runs while its disk is taken away would answer guests with errors.
    if domain.state == .running { try tools.pause(subject.domain) }
    if view.wantsRestart { try beginRequest() }
    guard try pciDevices.release(in: &store) else { throw .deviceNotReleased }
    try tools.destroy(subject.domain)
  }

  private func reason(_ view: Keeper.View, _ domain: DomainSighting) -> String {
    if case .shutDown(let reason) = domain.state { return reason.rawValue }
    if view.wantsRestart { return "restart wanted" }
    if life?.identity != domain.identity { return "was never started" }
    return "does not serve after \(subject.readySeconds) s"
  }

  private mutating func clean() throws(KeeperError) {
    beginTimes()
    try tell("cleaning up")
    guard try Leavings(driverDomain: subject.domain).remove(in: &store, pciDevices) else {
      throw .deviceNotReleased
    }
  }

  private mutating func create(_ view: Keeper.View) throws(KeeperError) {
    beginTimes()
    times.end(.destroy, now: ServiceClock.microseconds())
    try tell("creating")
    if view.wantsRestart { try beginRequest() }
    guard let description else { throw .noDescription }
    // From here on a domain with our number is half made, until it is noted.
    try store.remove([paths.life])
    life = nil
    try tools.create(description, as: subject.domain)
    guard let domain = try tools.lookUp(subject.domain) else {
      throw .toolstack(operation: "finding the new domain", code: 0)
    }
    try note(Life(identity: domain.identity, stage: .created))
    if hasLived {
      restartCount += 1
      try store.write(paths.restarts, String(restartCount))
    }
    times.end(.create, now: ServiceClock.microseconds())
  }

  private mutating func rebuild(_ view: Keeper.View) throws(KeeperError) {
    guard let domain = view.domain else { return }
    let outcome = try rebuilder.rebuild(in: &store)
    keeper.rebuilt(domain.identity)
    log.notice(
      "guests' devices rebuilt",
      metadata: [
        "rebuilt": "\(outcome.rebuilt.count)", "present": "\(outcome.present.count)",
        "dropped": "\(outcome.dropped.count)",
      ])
  }

  private mutating func settle(_ view: Keeper.View) throws(KeeperError) {
    guard let domain = view.domain else { return }
    try note(Life(identity: domain.identity, stage: .running))
    hasLived = true
    times.end(.rebuild, now: ServiceClock.microseconds())
    try tell("booting")
  }

  private mutating func beginTimes() {
    times.begin(now: ServiceClock.microseconds(), timeOfDay: ServiceClock.timeOfDay())
  }

  private mutating func note(_ life: Life) throws(KeeperError) {
    try store.write(paths.life, life.text)
    self.life = life
  }

  /// The domain serves: what was measured is over, and who waits is told.
  mutating func noteServing() throws(KeeperError) {
    try tell("serving")
    let now = ServiceClock.microseconds()
    times.end(.boot, now: now)
    if let result = times.finish(now: now) {
      log.notice("restart done", metadata: ["microseconds": "\(result.fields)"])
      try store.write(paths.lastRestart, result.text)
      try store.write(paths.lastRestartTimes, result.fields)
      try answer("done: \(result.text)")
    }
    if upgrade != nil {
      upgrade = nil
      try store.remove([paths.upgrade])
    }
  }
}
