import RingTransport
import SimulatedXen
import Testing

/// The lifecycle, the client and libxl's side together: every wait of libxl must end well.
@Suite struct BackendLifecycleToolstackTests {
  let store = SimulatedXenStore()
  let toolstack: Toolstack
  let disk = Toolstack.Disk(
    guest: DomainIdentifier(rawValue: 7), device: 51712,
    backendDomain: DomainIdentifier(rawValue: 5))

  init() {
    store.introduce(disk.guest)
    store.introduce(disk.backendDomain)
    toolstack = Toolstack(store)
  }

  private func frontend(_ state: XenbusState) {
    store.write(disk.frontendPath.appending("state"), state.text, as: disk.guest)
  }

  private var backendState: String? { store.read(disk.backendPath.appending("state")) }

  @Test(arguments: testSeeds(count: 5))
  func attachAndDetachTenTimesLeaveNothing(seed: UInt64) throws {
    let before = store.tree(below: disk.backendDomain.storePath)
    for round in 0..<10 {
      toolstack.attachDisk(disk, target: "/dev/vda1")
      let faults = StoreFaults(
        seed: seed &* 10 &+ UInt64(round), chunkByteCountMax: 30, wouldBlockPercent: 30,
        conflictPercent: 20, replyOrder: .device)
      var backend = ToyBackend(store, disk, faults: faults)
      try backend.run()
      // The guest is quicker than Dom0.
      frontend(.initialised)
      try backend.run()
      toolstack.process()
      #expect(toolstack.outcome(disk) == .attached)
      try backend.fireTimer()
      #expect(backendState == "4")
      frontend(.connected)
      try backend.run()

      toolstack.detachDisk(disk)
      try backend.run()
      #expect(backendState == "5")
      frontend(.closing)
      try backend.run()
      frontend(.closed)
      try backend.run()
      toolstack.process()
      #expect(toolstack.outcome(disk) == .waitsForRemoval)
      try backend.fireTimer()
      toolstack.process()
      #expect(toolstack.outcome(disk) == .removed)
      let reason = backend.exitReason
      #expect(reason == .removed)
    }
    #expect(store.tree(below: disk.backendDomain.storePath) == before)
  }

  @Test func destroyOfAGuestInUseEndsWithoutTheGuest() throws {
    toolstack.attachDisk(disk, target: "/dev/vda1")
    var backend = ToyBackend(store, disk)
    try backend.run()
    toolstack.process()
    try backend.fireTimer()
    frontend(.initialised)
    try backend.run()
    let wasServing = backend.hasRing
    #expect(wasServing)
    toolstack.destroyGuest(disk.guest)
    try backend.run()
    let isServing = backend.hasRing
    #expect(!isServing)
    toolstack.process()
    try backend.fireTimer()
    toolstack.process()
    #expect(toolstack.outcome(disk) == .removed)
    toolstack.finishDestruction(of: disk.guest)
    #expect(store.tree().filter { $0.contains("51712") || $0.contains("domain/7") } == [])
  }

  @Test func aGuestRebootGoesThroughTwoNewLeaves() throws {
    for _ in 0..<2 {
      toolstack.attachDisk(disk, target: "/dev/vda1")
      var backend = ToyBackend(store, disk)
      try backend.run()
      toolstack.process()
      try backend.fireTimer()
      frontend(.initialised)
      try backend.run()
      frontend(.closing)
      try backend.run()
      #expect(backendState == "5")
      frontend(.closed)
      try backend.run()
      #expect(backendState == "6")
      toolstack.detachDisk(disk, isForced: true)
      try backend.run()
      toolstack.process()
      try backend.fireTimer()
      toolstack.process()
      #expect(toolstack.outcome(disk) == .removed)
    }
  }

  @Test func aLeafThatIsGoneIsNotCreatedByALateWrite() throws {
    toolstack.attachDisk(disk, target: "/dev/vda1")
    var backend = ToyBackend(store, disk)
    try backend.run()
    store.write(disk.backendPath, nil)
    // Not observed yet; the guest's state makes it write.
    backend.feed(.timerFired)
    backend.feed(
      .observed(
        .init(
          leafExists: true, backendState: .initWait, online: true, frontendState: .initialised)))
    try backend.run()
    #expect(store.read(disk.backendPath) == nil)
    let reason = backend.exitReason
    #expect(reason == .leafIsGone)
  }
}
