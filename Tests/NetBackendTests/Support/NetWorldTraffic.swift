import PeerKit
import RingTransport
import SimulatedXen

@testable import NetBackend

/// Frames both ways through all queues of a ``NetWorld`` whose backend may die: what the guest
/// sends arrives at least once, in order; what it receives, somebody sent, in order; nothing that
/// it offered is lost.
final class NetWorldTraffic {
  let world: NetWorld
  private(set) var completedCount = 0
  private(set) var receivedCount = 0
  private var frames: FrameBuilder
  private var generator: SeededGenerator
  /// By queue: what has to reach the network, and what may reach the guest.
  private var expected: [[[UInt8]]]
  private var arriving: [[NetPacket]]

  init(_ world: NetWorld, seed: UInt64) {
    self.world = world
    frames = FrameBuilder(seed: seed &+ 9)
    generator = SeededGenerator(seed: seed &+ 900)
    expected = Array(repeating: [], count: world.guest.queueCount)
    arriving = Array(repeating: [], count: world.guest.queueCount)
  }

  private var queues: [NetFrontendQueue] { world.guest.frontend?.queues ?? [] }

  /// Guest and network send something, or nothing.
  func act() throws {
    for (index, queue) in queues.enumerated() {
      for _ in 0..<Int.random(in: 0...3, using: &generator) {
        let frame = frames.any(queue.features, byteCountMax: 5000)
        if generator.chance(percent: 60) {
          guard queue.transmitFreeCount > 24 else { continue }
          queue.send(frame.packet)
          expected[index].append(PortHeader(frame).encoded + frame.packet.bytes)
        } else {
          world.control.networks[index].put(PortHeader(frame), frame.packet.bytes)
          arriving[index].append(frame.packet)
        }
      }
      queue.push()
    }
  }

  /// A guest's queues do something when they were woken, and only then.
  func handleEvents() throws {
    for (index, queue) in queues.enumerated() where queue.isAwake {
      completedCount += try queue.reapTransmitted().count
      for received in try queue.takeReceived() {
        // A guest's kernel would tell of it.
        guard let packet = received.packet else { throw PeerFailure("a buffer without data") }
        guard let place = arriving[index].firstIndex(of: packet) else {
          // The beginning of what was being answered when a process died.
          if arriving[index].contains(where: { $0.bytes.starts(with: packet.bytes) }) {
            continue
          }
          throw PeerFailure("received what nobody sent: \(packet.summary)")
        }
        arriving[index].removeFirst(place + 1)
        receivedCount += 1
      }
      queue.postBuffers()
      queue.push()
    }
  }

  /// Everything under way comes to its end, and every buffer is still of use.
  func finish() throws {
    try settle()
    for (index, queue) in queues.enumerated() {
      guard queue.transmitOutstandingCount == 0 else {
        throw PeerFailure("\(queue.transmitOutstandingCount) packets have no answer")
      }
      try checkSent(index)
      arriving[index] = []
    }
    // More than a ring full.
    let before = receivedCount
    for index in queues.indices {
      for _ in 0..<300 {
        let frame = frames.build(.udp4, byteCount: 100)
        world.control.networks[index].put(PortHeader(frame), frame.packet.bytes)
        arriving[index].append(frame.packet)
      }
    }
    try settle()
    guard receivedCount - before == 300 * queues.count else {
      throw PeerFailure("\(receivedCount - before) frames arrived in the end, of 300 each")
    }
  }

  private func settle() throws {
    for _ in 0..<100 {
      try world.step()
      try handleEvents()
    }
  }

  private func checkSent(_ index: Int) throws {
    let sent = world.control.networks[index].sent
    let known = Set(expected[index])
    for bytes in sent where !known.contains(bytes) {
      throw PeerFailure("a frame that nobody sent, of \(bytes.count) bytes")
    }
    var next = 0
    for bytes in sent where next < expected[index].count && bytes == expected[index][next] {
      next += 1
    }
    guard next == expected[index].count else {
      throw PeerFailure(
        "frame \(next) of \(expected[index].count) of queue \(index) left too late or never")
    }
  }
}
