import PeerKit
import RingTransport
import SimulatedXen
import SystemPackage
import Testing

@testable import NetBackend

/// A process that dies with an answer written over its request and not published: the next one
/// cannot read what the request was, and has to answer it all the same, and rightly.
struct ControlQueueAdoptionTests {
  private static let requests: [NetControlFrontend.Request] = [
    .setHashAlgorithm(1), .setHashFlags(5), .setHashKey([7, 8, 9]), .hashFlags, .mappingSize,
    .setMappingSize(4), .setMapping([1, 0, 1, 1], offset: 0), .setMappingSize(4000),
    .setHashFlags(0xffff), .staticGrantCount,
  ]

  /// Whether the last answer got into the ring before the death.
  @Test(arguments: [true, false], [0, UInt32.max - 3])
  func everyAnswerComesOnce(isWritten: Bool, start: UInt32) throws {
    let host = try Host(startingAt: start)
    var expected: [(UInt32, UInt32)] = []
    for request in Self.requests {
      // What a process says that does not die.
      let reference = try Host(startingAt: start)
      for earlier in Self.requests {
        reference.frontend.submit(earlier)
        try reference.serve()
        let response = try #require(try reference.frontend.takeResponses().first)
        if earlier == request {
          expected.append((response.status, response.data))
          break
        }
      }
      host.frontend.submit(request)
      try host.serveAndDie(isWritten: isWritten)
      try host.adopt()
      try host.serve()
      let responses = try host.frontend.takeResponses()
      #expect(responses.count == 1)
      let response = try #require(responses.first)
      #expect(response.request == request)
      let wanted = try #require(expected.last)
      #expect((response.status, response.data) == wanted, "\(request)")
    }
    host.policy.withHash { hash in
      #expect(hash.isToeplitz && hash.types.rawValue == 5 && hash.key == [7, 8, 9])
      #expect(hash.mapping == [1, 0, 1, 1])
    }
  }

  /// An answer that was kept for one ring does not fit into the next.
  @Test func aNewRingBeginsAnew() throws {
    let host = try Host(startingAt: 0)
    host.frontend.submit(.setHashAlgorithm(1))
    try host.serve()
    _ = try host.frontend.takeResponses()
    host.die()
    host.policy.clear()
    try host.makeFrontend(startingAt: 0)
    try host.connect(adopts: false)
    host.die()
    try host.adopt()
    host.frontend.submit(.setHashAlgorithm(1))
    try host.serve()
    #expect(host.policy.withHash { $0.isToeplitz })
    #expect(try host.frontend.takeResponses().map(\.status) == [0])
  }
}

/// A control ring, and processes that serve it one after the other.
private final class Host {
  private(set) var frontend: NetControlFrontend
  private(set) var policy: VifPolicy
  private let machine: SimulatedMachine
  private let memory: OwnedFileDescriptor
  private var hypervisor: SimulatedHypervisor
  private var queue: ControlQueue?

  init(startingAt start: UInt32) throws {
    machine = try SimulatedMachine()
    machine.createDomain(.driver)
    machine.createDomain(.guest)
    memory = try StatusPage.makeMemory()
    hypervisor = SimulatedHypervisor(machine, domain: .driver)
    frontend = try NetControlFrontend(
      machine: machine, domain: .guest, backendDomain: .driver, startingAt: start, seed: 1)
    policy = VifPolicy(filter: try PacketFilter(""), rate: nil, now: 0)
    try connect(adopts: false)
  }

  func makeFrontend(startingAt start: UInt32) throws {
    frontend = try NetControlFrontend(
      machine: machine, domain: .guest, backendDomain: .driver, startingAt: start, seed: 2)
  }

  func connect(adopts: Bool) throws {
    let page = try StatusPage(sharing: memory.rawValue)
    page.begin()
    policy = VifPolicy(filter: try PacketFilter(""), rate: nil, now: 0, status: page)
    if adopts { #expect(policy.restore(now: 0)) } else { policy.clear() }
    queue = try ControlQueue(
      NetRingParameters.Control(ring: frontend.reference, port: frontend.port),
      frontendDomain: .guest, queueCount: 2, status: page, adopts: adopts,
      hypervisor: &hypervisor)
  }

  func adopt() throws { try connect(adopts: true) }

  func die() {
    queue = nil
    machine.releaseAll(of: .driver)
  }

  func serve() throws {
    _ = try queue?.turn(hypervisor: &hypervisor, policy: policy)
  }

  /// Serves one request, and undoes what a death would have kept from happening.
  func serveAndDie(isWritten: Bool) throws {
    let pages = try hypervisor.map([frontend.reference], of: .guest)
    let producer = pages.loadAcquiring(at: RingLayout.responseProducerOffset)
    let layout = RingLayout(pageCount: 1, slotByteCount: NetLimits.controlSlotByteCount)
    let offset = layout.slotOffset(of: RingIndex(rawValue: producer))
    var slot = InlineArray<16, UInt8>(repeating: 0)
    var elements = slot.mutableSpan
    // SAFETY: the raw bytes of initialised integers.
    var bytes = unsafe elements.mutableBytes
    pages.copyOut(from: offset, byteCount: 16, into: &bytes)
    try serve()
    _ = machine.takeEvent(frontend.port, of: .guest)
    if !isWritten { pages.copyIn(bytes.bytes, to: offset) }
    pages.storeReleasing(producer, at: RingLayout.responseProducerOffset)
    die()
  }
}
