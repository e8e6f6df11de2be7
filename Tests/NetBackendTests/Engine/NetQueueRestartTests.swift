import PeerKit
import RingTransport
import SimulatedXen
import Testing

@testable import NetBackend

/// A backend that dies at any moment, and the next one that takes its rings over: the guest sees
/// nothing but a pause, and perhaps a frame twice.
struct NetQueueRestartTests {
  @Test(arguments: testSeeds(count: 120))
  func aNewProcessGoesOn(seed: UInt64) throws {
    var options = NetScenario.Options(seed: seed)
    options.features.headroomByteCount = 0
    let run = try RestartRun(options, seed: seed)
    for _ in 0..<120 { try run.step() }
    try run.finish()
    #expect(run.restartCount > 5 && run.completedCount > 50 && run.receivedCount > 50)
  }
}

/// A guest whose backend dies again and again, mostly in the middle of a turn.
private final class RestartRun {
  private(set) var restartCount = 0
  private(set) var completedCount = 0
  private(set) var receivedCount = 0
  /// The beginnings of packets that were being answered when a process died, as the guest got them.
  private var cuts: [[UInt8]] = []
  private let scenario: NetScenario
  private var frames: FrameBuilder
  private var generator: SeededGenerator
  /// What has to reach the network at least once, in this order, by packet.
  private var expected: [[UInt8]] = []
  private var arriving: [NetPacket] = []

  init(_ options: NetScenario.Options, seed: UInt64) throws {
    scenario = try NetScenario(options)
    frames = FrameBuilder(seed: seed &+ 9)
    generator = SeededGenerator(seed: seed &+ 900)
  }

  func step() throws {
    let (frontend, harness) = (scenario.frontend, scenario.harness)
    for _ in 0..<Int.random(in: 0...4, using: &generator) {
      let frame = frames.any(frontend.features, byteCountMax: 20_000)
      if generator.chance(percent: 60), frontend.transmitFreeCount > 20 {
        frontend.send(frame.packet)
        expected.append(PortHeader(frame).encoded + frame.packet.bytes)
      } else {
        harness.network.put(PortHeader(frame), frame.packet.bytes)
        arriving.append(frame.packet)
      }
    }
    frontend.postBuffers()
    frontend.push()
    let image = frontend.ringImage()
    let shown = harness.page.loadState(NetQueueHarness.firstBufferWord)
    harness.turn()
    if generator.chance(percent: 30) { try die(after: image, shown: shown) }
    try checkViolation()
    if generator.chance(percent: 50) { try lookAtRings() }
  }

  /// What is left is done, and everything has arrived.
  func finish() throws {
    for _ in 0..<20 {
      try scenario.harness.settle()
      try checkViolation()
      try lookAtRings()
      scenario.frontend.postBuffers()
      scenario.frontend.push()
    }
    guard scenario.frontend.transmitOutstandingCount == 0 else {
      throw PeerFailure("\(scenario.frontend.transmitOutstandingCount) packets have no answer")
    }
    try checkSent()
    guard arriving.isEmpty else {
      throw PeerFailure("\(arriving.count) frames were not received")
    }
  }

  /// - Parameter shown: how many frames the page said at that time that the guest had been shown.
  private func die(after image: NetFrontendQueue.RingImage, shown: UInt64) throws {
    let published = scenario.frontend.publishedCounts(since: image)
    if generator.chance(percent: 80) {
      scenario.frontend.undo(
        to: image,
        keepingTransmitResponses: .random(in: 0...published.transmit, using: &generator),
        receiveResponses: .random(in: 0...published.receive, using: &generator))
      if published.receive > 0 {
        scenario.harness.page.storeState(shown, at: NetQueueHarness.firstBufferWord)
      }
    }
    restartCount += 1
    try scenario.harness.restart()
  }

  private func checkViolation() throws {
    if let violation = scenario.harness.violation { throw PeerFailure("\(violation)") }
  }

  private func lookAtRings() throws {
    completedCount += try scenario.frontend.reapTransmitted().count
    for received in try scenario.frontend.takeReceived() {
      // A guest's kernel would tell of it.
      guard let packet = received.packet else { throw PeerFailure("a buffer without data") }
      receivedCount += 1
      guard let index = arriving.firstIndex(of: packet) else {
        if cuts.count < restartCount,
          arriving.contains(where: { $0.bytes.starts(with: packet.bytes) })
        {
          cuts.append(packet.bytes)
          continue
        }
        throw PeerFailure("received what nobody sent: \(packet.summary)")
      }
      // All of a packet's bytes, without what was told beside them, are enough for the process
      // after a second death.
      let missing = arriving.prefix(index).filter { !cuts.contains($0.bytes) }
      guard missing.isEmpty else {
        throw PeerFailure("\(missing.count) frames before \(packet.summary) were not received")
      }
      arriving.removeFirst(index + 1)
    }
  }

  /// Frames of a turn that was not published may have been sent before; and those whose slots were
  /// overwritten cannot be sent again, but were sent the first time.
  private func checkSent() throws {
    let sent = scenario.harness.network.sent
    for bytes in sent where !expected.contains(bytes) {
      throw PeerFailure("a frame that nobody sent, of \(bytes.count) bytes")
    }
    for bytes in expected where !sent.contains(bytes) {
      throw PeerFailure("a frame of \(bytes.count) bytes never left")
    }
    var next = 0
    for bytes in sent where next < expected.count && bytes == expected[next] { next += 1 }
    guard next == expected.count else {
      throw PeerFailure("frame \(next) of \(expected.count) left too late")
    }
  }
}
