import CAllocationCount
import CXen
import PeerKit
import RingTransport
import SimulatedXen
import SystemPackage
import Testing

@testable import BlockBackend

/// After connecting, a request costs no heap allocation.
struct BlockQueueAllocationTests {
  @Test func requestsAllocateNothing() throws {
    let run = try AllocationRun()
    // The first rounds may fill what is made on first use.
    for round in 0..<10 { try run.serve(round) }
    let before = c_allocation_count()
    let probe = [UInt8](repeating: 1, count: 1000)
    #expect(c_allocation_count() > before, "allocations are counted at all: \(probe.count)")
    var allocations: UInt64 = 0
    for round in 10..<200 { allocations += try run.serve(round) }
    #expect(run.answered == 200 * 32)
    #expect(allocations == 0, "in 190 rounds of 32 requests")
  }
}

/// A queue behind peers that allocate nothing themselves while it works.
private final class AllocationRun {
  /// Ends every operation at once, as well as can be.
  struct InstantStorage: BlockStorage {
    var tokens = InlineArray<64, (token: Int, result: Int)>(repeating: (0, 0))
    var count = 0

    mutating func open(_ request: BlockTarget.Request) throws(BlockTargetError) -> BlockGeometry {
      BlockGeometry(capacityBytes: 1 << 20)
    }
    mutating func close() {}
    var currentCapacityBytes: UInt64? { 1 << 20 }
    mutating func submit(
      _ operation: StorageOperation, buffer: borrowing PrivateMemory
    ) -> Bool {
      guard count < 5 else { return false }
      tokens[count] = (operation.token, Int(operation.byteCount))
      count += 1
      return true
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

  private(set) var answered = 0
  private let frontend: BlockFrontend
  private var hypervisor: NullHypervisor
  private var storage = InstantStorage()
  private var queue: BlockQueue

  init() throws {
    let machine = try SimulatedMachine()
    machine.createDomain(.driver)
    machine.createDomain(.guest)
    frontend = try BlockFrontend(
      machine: machine, domain: .guest, backendDomain: .driver, abi: .x86Bits64, seed: 1)
    hypervisor = NullHypervisor(inner: SimulatedHypervisor(machine, domain: .driver))
    let pages = try hypervisor.map(frontend.ringReferences, of: .guest)
    queue = try BlockQueue(
      pages: pages, abi: .x86Bits64, frontendDomain: .guest,
      port: try hypervisor.bind(frontend.port, of: .guest),
      geometry: BlockGeometry(
        capacityBytes: 1 << 20, discard: .init(granularityBytes: 512, alignmentBytes: 0)),
      bufferByteCount: BlockQueue.smallestBufferByteCount)
  }

  /// Serves a full ring.
  ///
  /// - Returns: the allocations of the queue.
  @discardableResult
  func serve(_ round: Int) throws -> UInt64 {
    for index in 0..<32 {
      var request = FrontendRequest(.read, sector: UInt64(index))
      switch (index + round) % 5 {
      case 0: request = FrontendRequest(.flush)
      case 1:
        request = FrontendRequest(.discard, sector: 8)
        request.discardCount = 8
      case 2:
        // Too large for the rest of the buffer: it waits.
        request.segments = FrontendRequest.pages(sectorCount: 100 * 8)
        request.isIndirect = true
      default: request.segments = FrontendRequest.pages(sectorCount: 80)
      }
      frontend.submit(request)
    }
    frontend.push()
    let before = c_allocation_count()
    try work()
    let allocations = c_allocation_count() - before
    answered += try frontend.takeResponses().count
    return allocations
  }

  private func work() throws(RingViolation) {
    while true {
      let isMore = try queue.turn(hypervisor: &hypervisor, storage: &storage)
      for index in 0..<storage.count {
        queue.complete(token: storage.tokens[index].token, result: storage.tokens[index].result)
      }
      if storage.count == 0, !isMore { return }
      storage.count = 0
    }
  }
}
