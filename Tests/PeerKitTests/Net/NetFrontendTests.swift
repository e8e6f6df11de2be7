import PeerKit
import RingTransport
import SimulatedXen
import Testing

/// The honest network frontend against a model of a backend: it finds nothing where nothing is
/// wrong, and each thing that is.
struct NetFrontendTests {
  /// Frames go both ways and come out as they went in, whatever the ring and the guest's features.
  @Test(arguments: testSeeds(count: 40))
  func packetsArriveAsTheyWereSent(seed: UInt64) throws {
    let run = try ModelRun(seed: seed)
    try run.run(packetCount: 150)
    #expect(run.backend.sent == run.transmitted)
    #expect(run.received == run.delivered)
    #expect(run.transmitted.count > 50 && run.delivered.count > 50)
    try run.frontend.auditRings()
    run.backend.transmit.publish()
  }

  /// Every fault of a backend is found, and by the frontend.
  @Test(arguments: ModelNetBackend.Fault.allCases)
  func everyFaultIsFound(fault: ModelNetBackend.Fault) throws {
    for seed in 1...5 as ClosedRange<UInt64> {
      let run = try ModelRun(seed: seed, isPoor: fault.needsPoorGuest)
      try run.run(packetCount: 20)
      run.backend.fault = fault
      #expect(throws: PeerFailure.self, "\(fault), seed \(seed)") {
        try run.run(packetCount: 100)
      }
    }
  }

  @Test func groupsAreChangedWithoutAPacket() throws {
    let run = try ModelRun(seed: 1)
    let addresses: [[UInt8]] = [[1, 0, 0x5e, 0, 0, 1], [0x33, 0x33, 0, 0, 0, 1]]
    for address in addresses { run.frontend.changeMulticast(address, isAdded: true) }
    run.frontend.changeMulticast(addresses[0], isAdded: false)
    run.frontend.push()
    try run.backend.turn()
    let completions = try run.frontend.reapTransmitted()
    #expect(completions.count == 3 && completions.allSatisfy { $0.isOkay })
    #expect(run.backend.groups == [addresses[1]])
    #expect(run.backend.sent.isEmpty)
  }

  @Test func headroomIsLeftFree() throws {
    let run = try ModelRun(seed: 1)
    run.frontend.features.headroomByteCount = 256
    run.backend.headroomByteCount = 256
    try run.run(packetCount: 60)
    #expect(run.received == run.delivered)
    run.backend.headroomByteCount = 0
    #expect(throws: PeerFailure.self) { try run.run(packetCount: 20) }
  }

  /// What the frontend's driver writes, for one queue and for several.
  @Test func nodesAreThoseOfLinux() throws {
    let machine = try SimulatedMachine()
    machine.createDomain(.guest)
    let single = try NetFrontend(
      machine: machine, domain: .guest, backendDomain: .driver, hasSplitChannels: false, seed: 1)
    let names = single.storeNodes.map(\.name)
    #expect(
      names == [
        "tx-ring-ref", "rx-ring-ref", "event-channel", "request-rx-copy", "feature-rx-notify",
        "feature-sg", "feature-gso-tcpv4", "feature-gso-tcpv6", "feature-ipv6-csum-offload",
      ])
    let double = try NetFrontend(
      machine: machine, domain: .guest, backendDomain: .driver, queueCount: 2,
      features: .none, hasControlRing: true, seed: 1)
    #expect(
      double.storeNodes.map(\.name) == [
        "multi-queue-num-queues", "queue-0/tx-ring-ref", "queue-0/rx-ring-ref",
        "queue-0/event-channel-tx", "queue-0/event-channel-rx", "queue-1/tx-ring-ref",
        "queue-1/rx-ring-ref", "queue-1/event-channel-tx", "queue-1/event-channel-rx",
        "ctrl-ring-ref", "event-channel-ctrl", "request-rx-copy", "feature-rx-notify",
        "feature-no-csum-offload",
      ])
    #expect(machine.grantCount(of: .guest) == 7)
    try single.close()
    try double.close()
    #expect(machine.grantCount(of: .guest) == 0 && machine.openPortCount(of: .guest) == 0)
  }
}

extension DomainIdentifier {
  static let driver = DomainIdentifier(rawValue: 1)
  static let guest = DomainIdentifier(rawValue: 2)
}

extension ModelNetBackend.Fault {
  /// Whether it is only wrong towards a guest that can do little.
  var needsPoorGuest: Bool {
    [.receiveUnwantedSlots, .receiveUnwantedSegments, .receiveUnwantedChecksum].contains(self)
  }
}

/// A guest, a model of a backend, and packets between them.
private final class ModelRun {
  let frontend: NetFrontendQueue
  let backend: ModelNetBackend
  private(set) var transmitted: [NetPacket] = []
  private(set) var delivered: [NetPacket] = []
  private(set) var received: [NetPacket] = []
  private var frames: FrameBuilder
  private var generator: SeededGenerator

  init(seed: UInt64, isPoor: Bool = false) throws {
    generator = SeededGenerator(seed: seed &+ 300)
    frames = FrameBuilder(seed: seed)
    let machine = try SimulatedMachine()
    machine.createDomain(.driver)
    machine.createDomain(.guest)
    var features = isPoor ? GuestFeatures.none : GuestFeatures()
    features.hashes = !isPoor && seed % 2 == 0
    frontend = try NetFrontendQueue(
      machine: machine, domain: .guest, backendDomain: .driver, features: features,
      hasSplitChannels: seed % 3 != 0, startingAt: seed % 2 == 0 ? .max - 3 : 0, seed: seed)
    backend = try ModelNetBackend(frontend)
  }

  /// Sends so many packets to either side, until all have arrived and everybody sleeps.
  func run(packetCount: Int) throws {
    var left = packetCount
    while true {
      var doers: [() throws -> Void] = []
      if frontend.isAwake { doers.append { try self.handleEvents() } }
      if backend.isAwake { doers.append { try self.backend.turn() } }
      if left > 0, frontend.transmitFreeCount > 40 {
        doers.append {
          self.send()
          left -= 1
        }
      }
      guard let doer = doers.randomElement(using: &generator) else {
        guard left == 0, frontend.transmitOutstandingCount == 0, backend.pending.isEmpty else {
          throw HangError()
        }
        return
      }
      try doer()
    }
  }

  /// All sleep who should not.
  struct HangError: Error {}

  private func send() {
    var frame = frames.any(frontend.features).packet
    if frontend.features.hashes, generator.chance(percent: 20) {
      frame.hash = .init(type: 1, value: UInt32.random(in: 0 ... .max, using: &generator))
    }
    if generator.chance(percent: 50) {
      transmitted.append(frame)
      #expect(frontend.send(frame) != nil)
    } else {
      delivered.append(frame)
      backend.pending.append(frame)
      backend.machine.send(frontend.transmitPort, of: frontend.domain)
    }
    frontend.postBuffers(upTo: Int.random(in: 0...40, using: &generator))
    frontend.push()
  }

  private func handleEvents() throws {
    let completions = try frontend.reapTransmitted()
    #expect(completions.allSatisfy { $0.isOkay })
    for packet in try frontend.takeReceived() {
      received.append(try #require(packet.packet))
    }
    frontend.postBuffers()
    frontend.push()
    if generator.chance(percent: 20) { try frontend.auditRings() }
  }
}
