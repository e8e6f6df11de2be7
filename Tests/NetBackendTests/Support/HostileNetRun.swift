import PeerKit
import RingTransport
import SimulatedXen

@testable import NetBackend

/// A hostile guest, its queue, and an honest guest with a queue of its own, in one driver domain.
final class HostileNetRun {
  let hostile: HostileNetFrontend
  let harness: NetQueueHarness
  private let machine: SimulatedMachine
  private let neighbour: HonestTraffic
  private var frames: FrameBuilder
  private var generator: SeededGenerator

  init(seed: UInt64) throws {
    generator = SeededGenerator(seed: seed &+ 5000)
    frames = FrameBuilder(seed: seed &+ 6000)
    machine = try SimulatedMachine(frameCount: 4096)
    machine.createDomain(.driver)
    machine.createDomain(.guest)
    hostile = try HostileNetFrontend(
      machine: machine, domain: .guest, backendDomain: .driver, hasSplitChannels: seed % 2 == 0,
      isSubtle: seed % 5 < 3, seed: seed)
    let rate = seed % 9 == 0 ? NetRate(byteCount: 100_000, periodNanoseconds: 50_000_000) : nil
    let policy = VifPolicy(
      filter: try PacketFilter(seed % 4 == 0 ? "ether src 00:16:3e:00:00:02" : ""), rate: rate,
      now: 1_000_000_000)
    policy.setFiltersMulticast(seed % 5 == 0)
    var features = GuestFeatures()
    if seed % 6 == 0 { features = .none }
    harness = try NetQueueHarness(
      machine: machine, domain: .driver,
      guest: NetGuest(
        domain: .guest, features: features.guestFeatures, sendsReceiveEvents: seed % 3 != 0,
        headroomByteCount: seed % 8 == 0 ? 256 : 0),
      parameters: NetQueueParameters(
        transmitRing: hostile.transmitReference, receiveRing: hostile.receiveReference,
        transmitPort: hostile.transmitPort, receivePort: hostile.receivePort),
      policy: policy, seed: seed)
    neighbour = HonestTraffic(
      try NetScenario(.init(seed: seed), machine: machine, guest: .neighbour), seed: seed)
    neighbour.largestByteCount = 9000
    if seed % 3 == 0 {
      let hostile = hostile
      var meddling = SeededGenerator(seed: seed)
      machine.beforeCopyOperation = { domain in
        if domain == .guest, meddling.chance(percent: 5) { hostile.meddle() }
      }
    }
  }

  var statistics: NetStatistics { harness.statistics }

  /// Guest, network, backend and neighbour do things in any order; then the guest rests, and so
  /// must the backend.
  func run() throws {
    neighbour.begin(packetCount: 20)
    for _ in 0..<60 {
      switch Int.random(in: 0..<4, using: &generator) {
      case 0: hostile.act()
      case 1: if harness.isAwake { harness.turn() }
      case 2: putFrame()
      default: try stepNeighbour()
      }
      harness.now += 1_000_000
    }
    if generator.chance(percent: 20) {
      hostile.revokeAll()
      hostile.lieAboutIndices(on: .transmit)
      try settle()
      guard harness.violation != nil else { throw PeerFailure("a lie was believed") }
    } else {
      try settle()
      try checkAnswers()
    }
    while !neighbour.isDone { try stepNeighbour() }
    try close()
  }

  func close() throws {
    harness.close()
    if neighbour.isDone { try neighbour.finish() }
    guard machine.mappedPageCount(of: .guest) == 0 else {
      throw PeerFailure("pages of the guest are still mapped")
    }
    guard hostile.keptItsSecret else { throw PeerFailure("a page was written without a grant") }
    for frame in harness.network.sent where !(24...65545).contains(frame.count) {
      throw PeerFailure("a frame of \(frame.count) bytes was sent")
    }
  }

  private func putFrame() {
    guard harness.network.waiting.count < 50 else { return }
    let frame = frames.any(GuestFeatures(), byteCountMax: 20_000)
    harness.network.put(PortHeader(frame), frame.packet.bytes)
  }

  private func stepNeighbour() throws {
    guard !neighbour.isDone else { return }
    guard try neighbour.step() else { throw PeerFailure("the neighbour's network hangs") }
  }

  /// Time passes until nothing happens by itself, and frames that nobody takes are dropped.
  private func settle() throws {
    machine.beforeCopyOperation = nil
    hostile.wakeBackend()
    let end = harness.now + 4 * ReceiveQueue.stallNanoseconds
    while true {
      try harness.settle()
      guard let time = harness.wakeUpTime, time < end else { return }
      harness.now = max(time, harness.now + 1)
    }
  }

  /// A device that was not given up has answered every slot, and waits for frames or drops them.
  private func checkAnswers() throws {
    guard harness.violation == nil else {
      guard !hostile.isSubtle else {
        throw PeerFailure(
          "what costs a packet cost the device: \(harness.violation.debugDescription)")
      }
      return
    }
    // Others may have had the backend write over the counters in their own rings.
    guard hostile.unansweredTransmitCount == 0 || !hostile.isSubtle else {
      throw PeerFailure("\(hostile.unansweredTransmitCount) slots have no answer")
    }
    guard harness.network.waiting.isEmpty else {
      throw PeerFailure("\(harness.network.waiting.count) frames wait for nothing")
    }
  }
}
