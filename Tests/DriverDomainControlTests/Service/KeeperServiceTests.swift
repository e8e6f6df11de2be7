import RingTransport
import SimulatedXen
import Testing

@testable import DriverDomainControl

/// The whole keeper over simulated XenStore and hypervisor.
@Suite struct KeeperServiceTests {
  /// What happens to the driver domain.
  enum Blow: String, CaseIterable {
    case crash
    case watchdog
    /// `xl destroy`: libxl removes everything itself.
    case destroyed
    /// Gone from the hypervisor, and nobody cleaned up.
    case vanished
    /// Somebody wants a restart.
    case request
  }

  private func strike(_ world: RestartWorld, _ blow: Blow) {
    switch blow {
    case .crash: world.domain?.state = .shutDown(.crash)
    case .watchdog: world.domain?.state = .shutDown(.watchdog)
    case .destroyed:
      world.domain?.state = .paused
      world.store.write(
        StorePaths.ownBackends.appending("pci/\(RestartWorld.driverDomain)"), nil)
      world.store.write(RestartWorld.pciNote, nil)
      world.destroy()
    case .vanished: world.vanish()
    case .request:
      let request = KeeperRequest(identifier: "r1", kind: .restart)
      world.store.write(KeeperPaths(name: RestartWorld.name).request, request.text)
    }
  }

  /// A world with a driver domain that serves connected guests, as its keeper knows.
  private func servingWorld() throws -> RestartWorld {
    let world = RestartWorld()
    #expect(try world.runKeeper())
    world.connectGuests()
    // Another keeper, which copies what there is.
    #expect(try world.runKeeper())
    #expect(world.createCount == 1)
    return world
  }

  private func expectServing(
    _ world: RestartWorld, _ tree: [String], lives: Int, _ comment: Comment
  ) {
    #expect(world.violations == [], comment)
    #expect(world.domain?.state == .running, comment)
    #expect(world.createCount == lives, comment)
    #expect(world.deviceTree == tree, comment)
  }

  @Test(arguments: Blow.allCases)
  func guestsFindEverythingAsItWas(_ blow: Blow) throws {
    let world = try servingWorld()
    let tree = world.deviceTree
    strike(world, blow)
    #expect(try world.runKeeper())
    expectServing(world, tree, lives: 2, "\(blow)")
    let paths = KeeperPaths(name: RestartWorld.name)
    #expect(world.store.read(paths.restarts) == "1")
    #expect(world.store.read(paths.request) == nil)
    if blow == .request {
      #expect(world.store.read(paths.answer)?.hasPrefix("r1 done: total") == true)
    }
  }

  /// A keeper is killed at every change of XenStore and before and after every call of libxl, and
  /// the next one goes on.
  @Test(arguments: Blow.allCases)
  func aKeeperMayDieAnywhere(_ blow: Blow) throws {
    var deathCount = 0
    for steps in 0... {
      let world = try servingWorld()
      let tree = world.deviceTree
      strike(world, blow)
      world.stepsToDeath = steps
      let isComplete = try world.runKeeper()
      world.stepsToDeath = nil
      if isComplete { break }
      deathCount += 1
      #expect(try world.runKeeper(), "\(blow) \(steps)")
      // A half-made domain is given up, so there may be one life more.
      expectServing(world, tree, lives: world.createCount, "\(blow), killed at step \(steps)")
      #expect((2...3).contains(world.createCount), "\(blow), killed at step \(steps)")
    }
    #expect(deathCount > 20)
  }

  /// The same with several deaths of keepers.
  @Test(arguments: testSeeds(count: 60))
  func keepersMayDieInARow(seed: UInt64) throws {
    var random = SeededGenerator(seed: seed)
    let world = try servingWorld()
    let tree = world.deviceTree
    let blow = Blow.allCases.randomElement(using: &random) ?? .crash
    strike(world, blow)
    for _ in 0..<4 {
      world.stepsToDeath = Int.random(in: 0..<60, using: &random)
      if try world.runKeeper() { break }
    }
    world.stepsToDeath = nil
    #expect(try world.runKeeper(), "\(blow), SEED=\(seed)")
    expectServing(world, tree, lives: world.createCount, "\(blow), SEED=\(seed)")
  }

  @Test(arguments: Blow.allCases)
  func guestsThatDieMeanwhileLeaveNothing(_ blow: Blow) throws {
    let world = try servingWorld()
    strike(world, blow)
    if blow != .request {
      if world.domain != nil {
        // libxl would wait for a backend that does not run any more, and force it.
        let path = world.devices[0].backendPath
        world.store.write(path, nil)
      }
      world.destroyGuest(7)
    }
    #expect(try world.runKeeper())
    #expect(world.violations == [])
    if blow == .request { return }
    #expect(world.store.tree().filter { $0.contains("/7/") } == [])
    #expect(world.store.read(world.devices[1].backendPath.appending("state")) == "4")
  }

  /// Of a domain that died by itself the leaves are still there: they count, not the copies.
  @Test(arguments: [Blow.crash, .watchdog, .request])
  func theLastWordOfADeadDomainCounts(_ blow: Blow) throws {
    let world = try servingWorld()
    let sectors = world.devices[0].backendPath.appending("sectors")
    world.store.write(sectors, "2000", as: RestartWorld.driverDomain)
    strike(world, blow)
    #expect(try world.runKeeper())
    #expect(world.store.read(sectors) == "2000")
  }

  /// A keeper that knows of no change does not read leaves again when their domain dies; one that
  /// is told of a change only just before does.
  @Test func aChangeInTheLastMomentCounts() throws {
    let world = try servingWorld()
    let sectors = world.devices[0].backendPath.appending("sectors")
    var service = world.makeService()
    try service.begin(process: 1)
    for turn in 0..<3 { _ = try service.turn(now: UInt64(turn) * 1000) }
    #expect(service.rememberAt == nil)
    world.store.write(sectors, "2000", as: RestartWorld.driverDomain)
    strike(world, .crash)
    for turn in 3..<10 { _ = try service.turn(now: UInt64(turn) * 1000) }
    #expect(world.createCount == 2)
    #expect(world.store.read(sectors) == "2000")
  }

  @Test func aShutdownInOrderEndsTheService() throws {
    let world = try servingWorld()
    world.domain?.state = .shutDown(.powerOff)
    #expect(try world.runKeeper())
    #expect(world.domain == nil)
    #expect(world.createCount == 1)
    #expect(world.store.read(world.directory.appending("name")) == nil)
  }

  @Test func aDomainMadeByHandIsTakenOver() throws {
    let world = RestartWorld()
    #expect(world.create())
    world.domain?.state = .running
    world.connectGuests()
    let tree = world.deviceTree
    #expect(try world.runKeeper())
    expectServing(world, tree, lives: 1, "taken over")
    world.domain?.state = .shutDown(.crash)
    #expect(try world.runKeeper())
    expectServing(world, tree, lives: 2, "restarted")
  }

  /// When a domain that was made by hand has died with its keeper, nobody else can say it.
  @Test func aDeadDomainsNumberIsKnown() throws {
    let world = try servingWorld()
    world.vanish()
    var store = Store(world.store.connect(as: .dom0))
    #expect(try store.notedDomain(named: RestartWorld.name) == RestartWorld.driverDomain)
    #expect(try store.notedDomain(named: "another") == nil)
  }

  @Test func anothersDomainIsNotTouched() throws {
    let world = RestartWorld()
    #expect(world.create())
    world.store.write(world.directory.appending("name"), "web")
    world.domain?.state = .running
    #expect(throws: KeeperError.numberTaken(RestartWorld.driverDomain, by: "web")) {
      try world.runKeeper()
    }
    #expect(world.domain?.state == .running)
    #expect(world.createCount == 1)
  }

  @Test func creationIsTriedAgain() throws {
    let world = try servingWorld()
    let tree = world.deviceTree
    world.domain?.state = .shutDown(.crash)
    world.failingCreates = 5
    #expect(try world.runKeeper())
    expectServing(world, tree, lives: 2, "after failures")
  }

  @Test func aBrokenConfigurationRefusesRestartsOnly() throws {
    let world = try servingWorld()
    let tree = world.deviceTree
    var service = world.makeService()
    try service.begin(process: 1)
    world.isDescribable = false
    strike(world, .request)
    for turn in 0..<10 { _ = try service.turn(now: UInt64(turn) * 1000) }
    expectServing(world, tree, lives: 1, "refused")
    let answer = world.store.read(KeeperPaths(name: RestartWorld.name).answer)
    #expect(answer == "r1 refused: xl does not accept the configuration")
    // A death has nothing to do with it: what was good is used again.
    world.domain?.state = .shutDown(.crash)
    for turn in 10..<30 { _ = try service.turn(now: UInt64(turn) * 1000) }
    expectServing(world, tree, lives: 2, "dead")
  }
}
