import PeerKit
import RingTransport
import SimulatedXen

@testable import NetBackend

/// A guest and a network that send each other all sorts of frames, and know what has to arrive.
///
/// Guest, backend and network take steps in seeded order, and each sleeps whenever its protocol
/// lets it. When all of them sleep and something is under way, an event was lost.
final class HonestTraffic {
  let scenario: NetScenario
  /// Whether a packet may be lost: only where the test made Xen or the network fail.
  var mayFail = false
  /// The largest frame in bytes.
  var largestByteCount = 65535
  /// How much time may pass while everybody sleeps, in nanoseconds.
  var patienceNanoseconds: UInt64 = 100_000_000
  private(set) var transmittedCount = 0
  private(set) var receivedCount = 0
  /// What went wrong, as ``mayFail`` allows.
  private(set) var failedCount = 0
  /// What the network has to get, header and frame.
  private(set) var expectedSent: [(serial: UInt64, bytes: [UInt8])] = []
  /// What the guest has to get.
  private(set) var expectedReceived: [NetPacket] = []
  private var frames: FrameBuilder
  private var generator: SeededGenerator
  private var remaining = 0
  private var isResting = false

  init(_ scenario: NetScenario, seed: UInt64) {
    self.scenario = scenario
    frames = FrameBuilder(seed: seed &+ 5)
    generator = SeededGenerator(seed: seed &+ 1000)
  }

  /// Runs so many packets to their ends.
  func run(packetCount: Int) throws {
    begin(packetCount: packetCount)
    while !isDone {
      guard try step() else {
        throw PeerFailure(
          "all sleep: \(scenario.frontend.transmitOutstandingCount) packets without an answer, "
            + "\(scenario.harness.network.waiting.count) frames waiting, "
            + "\(expectedReceived.count) not received")
      }
    }
    try finish()
  }

  func begin(packetCount: Int) {
    remaining += packetCount
  }

  var isDone: Bool {
    remaining == 0 && scenario.frontend.transmitOutstandingCount == 0
      && scenario.harness.network.waiting.isEmpty && (mayFail || expectedReceived.isEmpty)
      && !scenario.harness.isAwake
  }

  /// What must hold when all is done.
  func finish() throws {
    try takeReceived()
    try scenario.frontend.auditRings()
    try checkSent()
    if !mayFail, let packet = expectedReceived.first {
      throw PeerFailure("not received: \(packet.summary)")
    }
  }

  /// Somebody who is awake does something. When all sleep, time passes.
  ///
  /// - Returns: false when that does not help.
  func step() throws -> Bool {
    let (harness, frontend) = (scenario.harness, scenario.frontend)
    if isResting, frontend.transmitOutstandingCount == 0 { isResting = false }
    var doers: [() throws -> Void] = []
    if frontend.isAwake { doers.append { try self.handleEvents() } }
    if harness.isAwake { doers.append { harness.turn() } }
    if remaining > 0, !isResting, frontend.transmitFreeCount > 40 {
      doers.append { self.sendBurst() }
    }
    if remaining > 0, harness.network.waiting.count < 100 { doers.append { self.putFrame() } }
    guard let doer = doers.randomElement(using: &generator) else { return wait() }
    try doer()
    if let violation = harness.violation { throw PeerFailure("\(violation)") }
    return true
  }

  /// Lets time pass until the guest looks after its buffers, or the backend wakes by itself.
  private func wait() -> Bool {
    if scenario.frontend.bufferCount < scenario.frontend.bufferCountMax {
      scenario.frontend.postBuffers()
      scenario.frontend.push()
      return true
    }
    guard let time = scenario.harness.wakeUpTime,
      time <= scenario.harness.now + patienceNanoseconds
    else { return false }
    scenario.harness.now = max(time, scenario.harness.now + 1)
    return scenario.harness.isAwake
  }

  private func sendBurst() {
    for _ in 0..<min(remaining, Int.random(in: 1...12, using: &generator)) {
      guard scenario.frontend.transmitFreeCount > 20 else { break }
      let frame = aFrame()
      guard let serial = scenario.frontend.send(frame.packet) else { break }
      remaining -= 1
      expectedSent.append((serial, PortHeader(frame).encoded + frame.packet.bytes))
    }
    if generator.chance(percent: 50) {
      scenario.frontend.postBuffers(upTo: .random(in: 0...60, using: &generator))
    }
    scenario.frontend.push()
    isResting = generator.chance(percent: 30)
  }

  private func putFrame() {
    let frame = aFrame()
    remaining -= 1
    scenario.harness.network.put(PortHeader(frame), frame.packet.bytes)
    expectedReceived.append(frame.packet)
  }

  private func aFrame() -> FrameBuilder.Frame {
    frames.any(scenario.frontend.features, byteCountMax: largestByteCount)
  }

  private func handleEvents() throws {
    for completion in try scenario.frontend.reapTransmitted() {
      transmittedCount += 1
      guard !completion.isOkay else { continue }
      failedCount += 1
      guard mayFail else { throw PeerFailure("a packet ended with \(completion.statuses)") }
      // A packet that failed need not arrive, and must not.
      expectedSent.removeAll { $0.serial == completion.serial }
    }
    try takeReceived()
    if generator.chance(percent: 70) { scenario.frontend.postBuffers() }
    scenario.frontend.push()
    if generator.chance(percent: 5) { try scenario.frontend.auditRings() }
    try checkSent()
  }

  /// What the network got is the beginning of what it has to get.
  private func checkSent() throws {
    for bytes in scenario.harness.network.sent {
      guard !expectedSent.isEmpty else { throw PeerFailure("a frame that nobody sent") }
      let expected = expectedSent.removeFirst().bytes
      guard bytes == expected else {
        let place = zip(bytes, expected).enumerated().first { $1.0 != $1.1 }?.offset ?? -1
        throw PeerFailure(
          "sent \(bytes.count) bytes for \(expected.count), different from byte \(place) on: "
            + "\(bytes.prefix(40)) for \(expected.prefix(40))")
      }
    }
    scenario.harness.network.forgetSent()
  }

  private func takeReceived() throws {
    for received in try scenario.frontend.takeReceived() {
      receivedCount += 1
      guard let packet = received.packet else {
        failedCount += 1
        guard mayFail else { throw PeerFailure("a received packet failed") }
        continue
      }
      guard let index = mayFail ? expectedReceived.firstIndex(of: packet) : 0,
        index < expectedReceived.count
      else { throw PeerFailure("received what nobody sent: \(packet.summary)") }
      guard expectedReceived[index] == packet else {
        throw PeerFailure(
          "received \(packet.summary) for \(expectedReceived[index].summary)")
      }
      expectedReceived.removeFirst(index + 1)
    }
  }
}
