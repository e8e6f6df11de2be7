import SimulatedXen
import RingTransport
import Testing

/// Random histories, replayable with `SEED=<number> swift test --filter Property`.
@Suite struct BackendLifecyclePropertyTests {
  @Test(arguments: testSeeds(count: 2000))
  func invariantsHold(seed: UInt64) {
    var world = LifecycleWorld(seed: seed)
    world.observe()
    for _ in 0..<200 where !world.hasExited { world.step() }
    expectNoViolations(world, seed)
  }

  /// Whatever happened before, a guest that is destroyed leaves nothing behind.
  @Test(arguments: testSeeds(count: 1000))
  func destroyEndsEverything(seed: UInt64) {
    var world = LifecycleWorld(seed: seed)
    world.observe()
    for _ in 0..<100 where !world.hasExited { world.step() }
    let wasExited = world.hasExited
    world.store.frontendState = nil
    world.store.online = false
    if world.store.backendState != .closed { world.store.backendState = .closing }
    world.settle()
    world.require(world.hasExited, "destroy ends the process")
    world.require(wasExited || !world.store.leafExists, "destroy removes the leaf")
    expectNoViolations(world, seed)
  }

  /// Whatever happened before, a frontend that starts anew and does all right gets its disk,
  /// unless the target could not be opened or the device was taken away.
  @Test(arguments: testSeeds(count: 1000))
  func anHonestFrontendIsConnectedInTheEnd(seed: UInt64) {
    var world = LifecycleWorld(seed: seed)
    world.observe()
    for _ in 0..<100 where !world.hasExited { world.step() }
    world.store.online = true
    let states: [(XenbusState, XenbusState)] = [
      (.closing, .closing), (.closed, .closed), (.initialising, .initWait),
      (.initialised, .connected), (.connected, .connected),
    ]
    for (frontend, backend) in states {
      world.store.frontendState = frontend
      world.settle()
      if world.hasExited || world.targetHasFailed { return expectNoViolations(world, seed) }
      // A device that is closed already stays so while the frontend closes.
      let isThere =
        world.store.backendState == backend
        || (frontend == .closing && world.store.backendState == .closed)
      world.require(isThere, "frontend \(frontend) is answered with \(backend)")
    }
    world.require(world.isServing, "served")
    expectNoViolations(world, seed)
  }

  private func expectNoViolations(_ world: LifecycleWorld, _ seed: UInt64) {
    guard let rule = world.violations.first else { return }
    Issue.record("SEED=\(seed): \(rule)\n\(world.trace.suffix(40).joined(separator: "\n"))")
  }
}
