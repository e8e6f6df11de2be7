import PeerKit
import RingTransport
import SimulatedXen
import SystemPackage
import Testing

@testable import NetBackend

/// Whole vifs whose process dies: the guest sees a pause.
struct NetDeviceAdoptionTests {
  /// Death at every step of a life.
  @Test(arguments: testSeedGroups(count: 120, groupSize: 10))
  func deathAtEveryStep(steps: [UInt64]) throws {
    for step in steps {
      let world = try NetWorld(hasControlRing: step % 2 == 0, seed: step)
      var remaining = Int(step)
      func mortal(until condition: () throws -> Bool) throws {
        for _ in 0..<2000 {
          if try condition() { return }
          remaining -= 1
          if remaining == 0 { world.crash() }
          // Init needs a moment.
          if remaining == -3 { try world.startProcess() }
          try world.step()
        }
        throw PeerFailure("it never came")
      }
      world.isInitInformed = step % 3 != 0
      try world.attach()
      try mortal { world.guest.isConnected }
      let traffic = NetWorldTraffic(world, seed: step)
      for _ in 0..<10 {
        try traffic.act()
        remaining -= 1
        if remaining == 0 { world.crash() }
        if remaining == -3 { try world.startProcess() }
        try world.step()
        try traffic.handleEvents()
      }
      try mortal { remaining < -10 || !world.isFinished }
      try traffic.finish()
      #expect(!world.states.contains("5") && !world.states.contains("6"), "step \(step)")
      world.toolstack.detach(world.interface)
      try mortal { world.toolstack.outcome(world.interface) == .removed }
      try mortal { world.isFinished }
      #expect(world.leftovers() == [], "step \(step)")
    }
  }

  /// By what the last process has kept, where there is something.
  @Test(arguments: [true, false])
  func xenStoreIsAskedForTheConfigurationOnly(keepsStatus: Bool) throws {
    let world = try NetWorld(seed: 1)
    try world.connect()
    for _ in 0..<10 { try world.step() }
    world.crash()
    world.keepsStatus = keepsStatus
    try world.startProcess()
    try world.stepWithOneAnswer()
    #expect(world.machine.mappedPageCount(of: .guest) == (keepsStatus ? 2 : 0))
    for _ in 0..<20 { try world.step() }
    #expect(world.machine.mappedPageCount(of: .guest) == 2)
    #expect(world.states.last == "4")
  }

  @Test func withAnInformedInitXenStoreIsNotAsked() throws {
    let world = try NetWorld(seed: 1)
    try world.connect()
    for _ in 0..<10 { try world.step() }
    world.crash()
    world.isInitInformed = true
    try world.startProcess()
    world.stepWithoutAnswer()
    #expect(world.machine.mappedPageCount(of: .guest) == 2)
    // The rate is the one node of it that may change, and is looked at all the same.
    for _ in 0..<20 { try world.step() }
    #expect(world.states.last == "4")
  }

  /// Dom0 works for each question, while the guest wants the processor.
  @Test func aTakeOverAsksXenStoreLittle() throws {
    let world = try NetWorld(seed: 1)
    try world.connect()
    for _ in 0..<10 { try world.step() }
    world.crash()
    world.isInitInformed = true
    let before = world.store.requestCount
    try world.startProcess()
    for _ in 0..<30 { try world.step() }
    let queueCountMax = world.options.queueCountMax
    let changeable = NetRingParameters.changeableNodes(queueCountMax: queueCountMax).count
    // Three watches, five nodes by which the device is judged, the rate and the multicast control.
    #expect(world.store.requestCount - before == 3 + 5 + 2 + changeable)
  }

  /// A guest at work, and processes that die under it at any time, also in the middle of a turn.
  @Test(arguments: testSeeds(count: 24))
  func aGuestAtWorkSeesAPause(seed: UInt64) throws {
    let queueCount = [1, 2, 3][Int(seed % 3)]
    let world = try NetWorld(queueCount: queueCount, hasControlRing: seed % 2 == 0, seed: seed)
    world.isInitInformed = seed % 4 < 2
    try world.connect()
    let traffic = NetWorldTraffic(world, seed: seed)
    var generator = SeededGenerator(seed: seed)
    for _ in 0..<25 {
      for _ in 0..<Int.random(in: 0...4, using: &generator) {
        try traffic.act()
        try world.step()
        try traffic.handleEvents()
      }
      try traffic.act()
      if generator.chance(percent: 70) {
        try world.crashAtWork(&generator)
      } else {
        world.crash()
      }
      for _ in 0..<Int.random(in: 0...5, using: &generator) {
        try traffic.act()
        try world.step()
        try traffic.handleEvents()
      }
      try world.startProcess()
    }
    try traffic.finish()
    #expect(world.states == ["1", "2", "4"])
    #expect(world.control.connections.dropFirst().allSatisfy { $0 })
    #expect(world.machine.mappedPageCount(of: .guest) == 2 * queueCount + (seed % 2 == 0 ? 1 : 0))
  }

  /// An event that the dead process owed, for what it had published, comes from the next one, once
  /// for each ring.
  @Test func owedEventsAreSent() throws {
    let world = try NetWorld(queueCount: 2, hasControlRing: true)
    try world.connect()
    let queues = try #require(world.guest.frontend?.queues)
    let control = try #require(world.guest.frontend?.control)
    try world.step()
    world.crash()
    for queue in queues {
      _ = try queue.reapTransmitted()
      _ = try queue.takeReceived()
    }
    _ = try control.takeResponses()
    #expect(!queues.contains(where: \.isAwake) && !control.isAwake)
    try world.startProcess()
    try world.run { control.isAwake }
    for queue in queues {
      #expect(world.machine.takeEvent(queue.transmitPort, of: .guest))
      if queue.hasSplitChannels {
        #expect(world.machine.takeEvent(queue.receivePort, of: .guest))
      }
    }
    #expect(control.isAwake)
    _ = try control.takeResponses()
    for _ in 0..<20 { try world.step() }
    #expect(!queues.contains(where: \.isAwake) && !control.isAwake, "and nothing more")
  }

  /// The port may be bound until the last process is gone for good, and the TAP's queue too.
  @Test func whatIsInUseIsWaitedFor() throws {
    let world = try NetWorld(queueCount: 2, hasControlRing: true)
    try world.connect()
    let traffic = NetWorldTraffic(world, seed: 4)
    try traffic.act()
    world.crash()
    world.machine.faults.bindPercent = 60
    world.machine.faults.mapPercent = 30
    try world.startProcess()
    for _ in 0..<100 { try world.step() }
    world.machine.faults.stop()
    world.crash()
    world.control.connectionFailure = .port(.open("vif2.0", .resourceBusy))
    try world.startProcess()
    for _ in 0..<200 { try world.step() }
    #expect(world.machine.mappedPageCount(of: .guest) == 0)
    world.control.isMissing = true
    world.control.connectionFailure = nil
    world.crash()
    try world.startProcess()
    for _ in 0..<200 { try world.step() }
    #expect(world.machine.mappedPageCount(of: .guest) == 0)
    #expect(world.guest.backendState == "4" && world.guest.isConnected)
    world.control.isMissing = false
    for _ in 0..<200 { try world.step() }
    try traffic.finish()
    #expect(world.states == ["1", "2", "4"])
  }

  /// What the guest was told is kept, whatever the next process would have said.
  @Test func promisesAreKept() throws {
    let world = try NetWorld(queueCount: 3)
    try world.connect()
    let before = world.store.tree(below: world.interface.backendPath)
    world.crash()
    // Fewer processors than before.
    world.options.queueCountMax = 1
    try world.startProcess()
    let traffic = NetWorldTraffic(world, seed: 5)
    try traffic.act()
    for _ in 0..<5 { try world.step() }
    try traffic.finish()
    #expect(world.store.tree(below: world.interface.backendPath) == before)
    // The next connection is told the truth.
    world.guest.close()
    try world.run { world.guest.backendState == "6" }
    world.guest.queueCount = 1
    world.guest.nodes["multi-queue-num-queues"] = "1"
    world.guest.restart()
    try world.run { world.guest.isConnected }
    let most = world.interface.backendPath.appending("multi-queue-max-queues")
    #expect(world.store.read(most) == "1")
  }

  /// A network side that cannot do what the guest relies on is not used: the guest waits.
  @Test(arguments: [NetUplink.capture("eth0"), .packet("eth0")])
  func aLesserUplinkIsNotUsed(uplink: NetUplink) throws {
    let world = try NetWorld(queueCount: 2)
    try world.connect()
    world.crash()
    world.options.uplink = uplink
    try world.startProcess()
    for _ in 0..<300 { try world.step() }
    #expect(world.guest.backendState == "4" && world.guest.isConnected)
    #expect(world.machine.mappedPageCount(of: .guest) == 0)
    world.crash()
    world.options.uplink = nil
    try world.startProcess()
    let traffic = NetWorldTraffic(world, seed: 6)
    try traffic.act()
    try traffic.finish()
  }

  /// Death at every step of a change without a new ring.
  @Test func deathWhileReconfiguring() throws {
    for step in 0..<12 {
      let world = try NetWorld()
      try world.connect()
      world.guest.reconfigure(headroomByteCount: 256)
      for count in 0..<30 {
        if count == step { world.crash() }
        if count == step + 2 { try world.startProcess() }
        try world.step()
      }
      #expect(world.guest.state == "4" && world.guest.backendState == "4", "step \(step)")
      #expect(world.control.guest?.headroomByteCount == 256, "step \(step)")
      #expect(!world.states.contains("5") && !world.states.contains("6"), "step \(step)")
    }
  }

  /// What the guest has set lives on with its connection, and ends with it.
  @Test func whatTheGuestHasSet() throws {
    let world = try NetWorld(hasControlRing: true)
    world.guest.nodes = ["request-multicast-control": "1"]
    world.store.write(world.interface.backendPath.appending("rate"), nil)
    try world.connect()
    let frontend = try #require(world.guest.frontend)
    let group: [UInt8] = [1, 0, 0x5e, 0, 0, 1]
    frontend.queues[0].changeMulticast(group, isAdded: true)
    frontend.queues[0].push()
    frontend.control?.submit(.setHashAlgorithm(1))
    frontend.control?.submit(.setHashKey([1, 2, 3]))
    for _ in 0..<5 { try world.step() }
    #expect(try frontend.control?.takeResponses().map(\.status) == [0, 0])
    #expect(try frontend.queues[0].reapTransmitted().count == 1)
    let other = EthernetAddress(truncating: 0x0100_5e00_0002)
    for _ in 0..<3 {
      world.crash()
      try world.startProcess()
      for _ in 0..<5 { try world.step() }
      #expect(world.look { $0.policy?.withHash { $0.key } } == [1, 2, 3])
      #expect(world.look { $0.policy?.withHash { $0.isToeplitz } } == true)
      #expect(
        world.look { $0.policy?.admits(EthernetAddress(truncating: 0x0100_5e00_0001)) } == true)
      #expect(world.look { $0.policy?.admits(other) } == false)
    }
    // Without its page, a process does not know which groups there were: all may be wanted.
    world.crash()
    world.keepsStatus = false
    try world.startProcess()
    for _ in 0..<5 { try world.step() }
    #expect(world.look { $0.policy?.withHash { $0.isToeplitz } } == false)
    #expect(world.look { $0.policy?.admits(other) } == true)
    world.crash()
    world.keepsStatus = true
    try world.startProcess()
    for _ in 0..<5 { try world.step() }
    // A new connection begins from nothing.
    world.guest.close()
    try world.run { world.guest.backendState == "6" }
    world.guest.restart()
    try world.run { world.guest.isConnected }
    #expect(world.look { $0.policy?.withHash { $0.key } } == [])
    #expect(
      world.look { $0.policy?.admits(EthernetAddress(truncating: 0x0100_5e00_0001)) } == false)
  }
}
