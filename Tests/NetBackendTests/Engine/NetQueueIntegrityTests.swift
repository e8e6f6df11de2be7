import PeerKit
import RingTransport
import SimulatedXen
import Testing

@testable import NetBackend

/// Honest guests: whatever the ring, the guest's features and the frames, everything arrives once,
/// in order, as it was sent, and nobody sleeps who should not.
struct NetQueueIntegrityTests {
  @Test(arguments: testSeeds(count: 60))
  func framesGoBothWays(seed: UInt64) throws {
    let scenario = try NetScenario(.init(seed: seed))
    let traffic = HonestTraffic(scenario, seed: seed)
    try traffic.run(packetCount: 150)
    #expect(traffic.transmittedCount + traffic.receivedCount == 150)
    let statistics = scenario.harness.statistics
    #expect(statistics.transmittedPackets == UInt64(traffic.transmittedCount))
    #expect(statistics.receivedPackets == UInt64(traffic.receivedCount))
    scenario.harness.close()
    try scenario.frontend.close()
    #expect(scenario.machine.mappedPageCount(of: .guest) == 0)
    #expect(scenario.machine.openPortCount(of: .driver) == 0)
  }

  /// The largest packets need several turns of the backend and most of a ring.
  @Test(arguments: testSeeds(count: 4))
  func largestFrames(seed: UInt64) throws {
    let scenario = try NetScenario(.init(seed: seed &* 28 &+ 1))
    let frontend = scenario.frontend
    var frames = FrameBuilder(seed: seed)
    for _ in 0..<6 {
      var sent: [[UInt8]] = []
      while frontend.transmitFreeCount > 18 {
        let frame = frames.build(.udp4, byteCount: 65535)
        frontend.send(frame.packet)
        sent.append(PortHeader().encoded + frame.packet.bytes)
      }
      frontend.postBuffers()
      frontend.push()
      for _ in 0..<8 {
        let frame = frames.build(.udp6, byteCount: 65535)
        scenario.harness.network.put(PortHeader(), frame.packet.bytes)
      }
      try scenario.harness.settle()
      #expect(scenario.harness.network.sent == sent)
      scenario.harness.network.forgetSent()
      let completions = try frontend.reapTransmitted()
      #expect(completions.count == sent.count && completions.allSatisfy { $0.isOkay })
      #expect(try frontend.takeReceived().count == 8)
    }
  }

  /// A failing hypervisor and a network that refuses cost the packets they hit, and only those.
  @Test(arguments: testSeeds(count: 40))
  func failuresStayWithTheirPackets(seed: UInt64) throws {
    let scenario = try NetScenario(.init(seed: seed))
    scenario.machine.faults = MachineFaults(seed: seed)
    scenario.machine.faults.copyPercent = Int(seed % 3)
    scenario.machine.faults.copyCallPercent = Int(seed % 2) * 10
    scenario.harness.network.refusalPercent = 5
    let traffic = HonestTraffic(scenario, seed: seed)
    traffic.mayFail = true
    try traffic.run(packetCount: 300)
    #expect(traffic.failedCount > 0 && traffic.failedCount < 200)
    scenario.machine.faults.stop()
    scenario.harness.network.refusalPercent = 0
    let later = HonestTraffic(scenario, seed: seed &+ 1)
    try later.run(packetCount: 50)
    #expect(later.failedCount == 0)
  }

  /// The guest's list of groups decides which of them reach it, once it asks for that.
  @Test func groupsAreFiltered() throws {
    let scenario = try NetScenario(.init(seed: 1))
    let (frontend, harness) = (scenario.frontend, scenario.harness)
    let wanted: [UInt8] = [0x01, 0x00, 0x5e, 0x01, 0x02, 0x03]
    let other: [UInt8] = [0x01, 0x00, 0x5e, 0x01, 0x02, 0x04]
    let broadcast = [UInt8](repeating: 0xff, count: 6)
    func arriving() throws -> [[UInt8]] {
      frontend.postBuffers()
      frontend.push()
      for destination in [wanted, other, broadcast] {
        var frames = FrameBuilder(seed: 1)
        frames.destination = destination
        harness.network.put(PortHeader(), frames.build(.udp4, byteCount: 200).packet.bytes)
      }
      try harness.settle()
      return try frontend.takeReceived().map { Array(($0.packet?.bytes ?? []).prefix(6)) }
    }
    #expect(try arriving() == [wanted, other, broadcast])
    harness.policy.setFiltersMulticast(true)
    #expect(try arriving() == [broadcast])
    frontend.changeMulticast(wanted, isAdded: true)
    #expect(try arriving() == [wanted, broadcast])
    frontend.changeMulticast(wanted, isAdded: false)
    #expect(try arriving() == [broadcast])
    let completions = try frontend.reapTransmitted()
    #expect(completions.count == 2 && completions.allSatisfy { $0.isOkay })
    #expect(harness.network.sent.isEmpty, "a change of the list is no packet")
    #expect(harness.statistics.filtered == 5)
  }

  /// One address too many is an error of that request; the guest goes on.
  @Test func theListOfGroupsIsBounded() throws {
    let scenario = try NetScenario(.init(seed: 1))
    for number in 0..<70 as Range<UInt8> {
      scenario.frontend.changeMulticast([1, 0, 0x5e, 0, 0, number], isAdded: true)
    }
    scenario.frontend.push()
    try scenario.harness.settle()
    let completions = try scenario.frontend.reapTransmitted()
    #expect(completions.map(\.isOkay) == (0..<70).map { $0 < 64 })
  }

  /// What a filter refuses is dropped, and the guest is told so.
  @Test func aFilterDropsWhatItDoesNotAdmit() throws {
    var options = NetScenario.Options(seed: 1)
    options.filter = "ether src 00:16:3e:00:00:02"
    let scenario = try NetScenario(options)
    var frames = FrameBuilder(seed: 1)
    let honest = frames.build(.udp4, byteCount: 100, hasTag: false).packet
    frames.source[5] = 0x03
    let spoofed = frames.build(.udp4, byteCount: 5000, hasTag: false).packet
    for packet in [honest, spoofed, honest] { scenario.frontend.send(packet) }
    scenario.frontend.push()
    try scenario.harness.settle()
    let completions = try scenario.frontend.reapTransmitted()
    #expect(completions.map(\.isOkay) == [true, false, true])
    #expect(completions[1].statuses.allSatisfy { $0 == -2 })
    #expect(scenario.harness.network.sent.count == 2)
    #expect(scenario.harness.statistics.spoofed == 1)
  }
}
