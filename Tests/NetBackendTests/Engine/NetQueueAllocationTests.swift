import CAllocationCount
import CXen
import PeerKit
import RingTransport
import SimulatedXen
import SystemPackage
import Testing

@testable import NetBackend

/// After connecting, a packet costs no heap allocation, whichever way it goes.
struct NetQueueAllocationTests {
  @Test func packetsAllocateNothing() throws {
    let run = try NetAllocationRun()
    // The first rounds may fill what is made on first use.
    for round in 0..<10 { try run.serve(round) }
    let before = c_allocation_count()
    let probe = [UInt8](repeating: 1, count: 1000)
    #expect(c_allocation_count() > before, "allocations are counted at all: \(probe.count)")
    var allocations: UInt64 = 0
    for round in 10..<60 { allocations += try run.serve(round) }
    #expect(run.sentCount == 60 * 20 && run.receivedCount == 60 * 8)
    #expect(allocations == 0, "in 50 rounds of 20 packets out and 8 in")
  }
}

/// A queue behind peers that allocate nothing themselves while it works.
private final class NetAllocationRun {
  /// Takes everything, and gives copies of one frame.
  struct InstantPort: NetPort {
    var sentCount = 0
    var waitingCount = 0
    var header = VirtualNetworkHeader()
    var byteCount = 0

    mutating func send(
      _ memory: borrowing PrivateMemory, at offset: Int, byteCount: Int
    ) -> Bool {
      sentCount += 1
      return true
    }
    mutating func receive(
      into memory: borrowing PrivateMemory, at offset: Int, byteCount room: Int
    ) -> Int? {
      guard waitingCount > 0 else { return nil }
      waitingCount -= 1
      // SAFETY: `address` checks the range.
      var room = unsafe MutableRawSpan(
        _unsafeStart: memory.address(of: offset, byteCount: room), byteCount: room)
      header.encode(into: &room)
      return byteCount
    }
  }

  /// Copies well without copying.
  struct NullHypervisor: Hypervisor {
    var inner: SimulatedHypervisor

    mutating func map(
      _ references: [GrantReference], of domain: DomainIdentifier
    ) throws(Errno) -> SharedPages {
      try inner.map(references, of: domain)
    }
    mutating func copy(_ batch: inout GrantCopyBatch) throws(Errno) {
      // SAFETY: only the segments' own fields are written.
      unsafe batch.withSegments { segments in
        for index in segments.indices { unsafe segments[index].status = 0 }
      }
    }
    mutating func bind(
      _ remotePort: EventChannelPort, of domain: DomainIdentifier
    ) throws(Errno) -> EventChannelPort {
      try inner.bind(remotePort, of: domain)
    }
    mutating func unbind(_ port: EventChannelPort) {}
    mutating func notify(_ port: EventChannelPort) {}
  }

  private let frontend: NetFrontendQueue
  private let policy: VifPolicy
  private var hypervisor: NullHypervisor
  private var port = InstantPort()
  private var queue: NetQueue
  private var frames = FrameBuilder(seed: 1)
  private var now: UInt64 = 0
  private(set) var receivedCount = 0

  var sentCount: Int { port.sentCount }

  init() throws {
    let machine = try SimulatedMachine()
    machine.createDomain(.driver)
    machine.createDomain(.guest)
    frontend = try NetFrontendQueue(
      machine: machine, domain: .guest, backendDomain: .driver, seed: 1)
    hypervisor = NullHypervisor(inner: SimulatedHypervisor(machine, domain: .driver))
    policy = VifPolicy(
      filter: try PacketFilter("not ether src 00:16:3e:00:00:09"),
      rate: NetRate(byteCount: 1 << 40, periodNanoseconds: 1000), now: 0,
      status: try StatusPage(sharing: nil))
    policy.setFiltersMulticast(true)
    queue = try NetQueue(
      NetQueueParameters(
        transmitRing: frontend.transmitReference, receiveRing: frontend.receiveReference,
        transmitPort: frontend.transmitPort, receivePort: frontend.receivePort),
      guest: NetGuest(
        domain: .guest, features: frontend.features.guestFeatures, sendsReceiveEvents: true,
        headroomByteCount: 0),
      policy: policy, keptIn: StatusBuffer(try StatusPage(sharing: nil), 0),
      hypervisor: &hypervisor)
  }

  /// Serves packets of all sizes both ways.
  ///
  /// - Returns: the allocations of the queue.
  @discardableResult
  func serve(_ round: Int) throws -> UInt64 {
    for index in 0..<20 {
      let sizes = [60, 1514, 9000, 4096]
      frontend.send(frames.build(.udp4, byteCount: sizes[(index + round) % 4]).packet, sizes: nil)
    }
    let group: [UInt8] = [1, 0, 0x5e, 0, 0, UInt8(round)]
    frontend.changeMulticast(group, isAdded: round % 2 == 0)
    frontend.postBuffers()
    frontend.push()
    port.waitingCount = 8
    port.byteCount = VirtualNetworkHeader.byteCount + [60, 1514, 40_000][round % 3]
    let before = c_allocation_count()
    try work()
    let allocations = c_allocation_count() - before
    #expect(try frontend.reapTransmitted().count == 21)
    receivedCount += try frontend.takeReceived().count
    return allocations
  }

  private func work() throws(NetViolation) {
    for _ in 0..<100 {
      now += 1
      let outcome = try queue.turn(hypervisor: &hypervisor, port: &port, now: now)
      if !outcome.hasMore { return }
    }
  }
}
