import RingTransport
import Testing

/// Drives a ``BackendLifecycle`` by hand, and keeps what XenStore would say.
struct LifecycleHarness {
  typealias Action = BackendLifecycle.Action
  typealias Event = BackendLifecycle.Event

  var machine = BackendLifecycle()
  var world: BackendLifecycle.Observation

  init(
    backend: XenbusState? = .initialising, online: Bool = true,
    frontend: XenbusState? = .initialising
  ) {
    world = .init(
      leafExists: true, backendState: backend, online: online, frontendState: frontend)
  }

  /// Hands over what XenStore says now.
  mutating func observe() -> [Action] {
    machine.handle(.observed(world))
  }

  mutating func frontend(_ state: XenbusState?) -> [Action] {
    world.frontendState = state
    return observe()
  }

  /// What libxl writes to unplug.
  mutating func unplug() -> [Action] {
    world.online = false
    if world.backendState != .closed { world.backendState = .closing }
    return observe()
  }

  /// What libxl writes to destroy.
  mutating func destroy() -> [Action] {
    world.frontendState = nil
    return unplug()
  }

  /// XenStore takes what was published.
  mutating func published(_ state: XenbusState) -> [Action] {
    world.backendState = state
    let actions = machine.handle(.published)
    // Our own write fires our own watch.
    return actions + observe()
  }

  mutating func send(_ event: Event) -> [Action] {
    machine.handle(event)
  }

  /// A device in state 2 whose first hold is over.
  static func waiting() -> LifecycleHarness {
    var harness = LifecycleHarness()
    #expect(harness.observe() == [.openTarget])
    #expect(harness.send(.targetOpened) == [.publish(.initWait, withFeatures: true)])
    #expect(
      harness.published(.initWait) == [.startTimer(milliseconds: BackendLifecycle.holdMilliseconds)]
    )
    #expect(harness.send(.timerFired) == [])
    return harness
  }

  /// A device in state 4.
  static func connected() -> LifecycleHarness {
    var harness = waiting()
    #expect(harness.frontend(.initialised) == [.connectRing])
    #expect(harness.send(.ringConnected) == [.publish(.connected, withFeatures: false)])
    #expect(harness.published(.connected) == [.compareRing])
    #expect(harness.send(.ringUnchanged) == [])
    #expect(harness.frontend(.connected) == [.compareRing])
    #expect(harness.send(.ringUnchanged) == [])
    return harness
  }

  /// The end that libxl waits for: 6, held, then the leaf removed.
  mutating func expectRemoval() {
    #expect(published(.closed) == [.startTimer(milliseconds: BackendLifecycle.holdMilliseconds)])
    #expect(observe() == [])
    #expect(send(.timerFired) == [.removeLeaf])
    world.leafExists = false
    #expect(observe() == [])
    #expect(send(.published) == [.exit(.removed)])
    #expect(machine.hasExited)
    #expect(observe() == [])
  }
}
