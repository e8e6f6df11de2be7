import PeerKit
import RingTransport
import SimulatedXen
import Testing

@testable import BlockBackend

/// Guests that write into their XenStore nodes whatever they like, in any order.
struct BlockDeviceTogglingTests {
  /// Whatever a guest did, libxl gets rid of it, and nothing stays mapped, bound or written.
  @Test(arguments: testSeeds(count: 20))
  func destroyEndsItAll(seed: UInt64) throws {
    var generator = SeededGenerator(seed: seed)
    let world = try DeviceWorld()
    try world.attach()
    if generator.chance(percent: 70) { try world.run { world.guest.isConnected } }
    for _ in 0..<60 {
      if world.isFinished { break }
      try act(world, &generator)
      for _ in 0..<Int.random(in: 0...5, using: &generator) { try world.step() }
      #expect(world.machine.mappedPageCount(of: .guest) <= 1)
      #expect(world.machine.openPortCount(of: .driver) <= 1)
    }
    world.toolstack.destroyGuest(.guest)
    try world.run { world.isFinished && world.toolstack.outcome(world.disk) == .removed }
    #expect(world.leftovers() == [])
  }

  private func act(_ world: DeviceWorld, _ generator: inout SeededGenerator) throws {
    switch Int.random(in: 0..<12, using: &generator) {
    case 0..<5:
      let values = ["0", "1", "2", "3", "4", "5", "6", "7", "8", "", "x", "-1", "44"]
      world.guest.write("state", values.randomElement(using: &generator) ?? "")
    case 5:
      let nodes = ["ring-ref", "event-channel", "protocol", "ring-page-order"]
      world.guest.spoil = [
        nodes.randomElement(using: &generator) ?? "": "\(Int.random(in: 0...99, using: &generator))"
      ]
    case 6: world.guest.spoil = [:]
    case 7: world.guest.restart()
    case 8: world.guest.close()
    case 9: world.guest.frontend?.lieAboutIndices()
    case 10: world.machine.faults.mapPercent = Int.random(in: 0...50, using: &generator)
    default:
      guard let frontend = world.guest.frontend, frontend.freeCount > 0 else { return }
      var request = FrontendRequest(.read, sector: 0)
      request.segments = [0...7]
      frontend.submit(request)
      frontend.push()
    }
  }
}
