import CRingReference
import PeerKit
import RingTransport
import SimulatedXen
import Testing

@testable import BlockBackend

/// Decoding, against structures that a C compiler laid out.
struct BlockRequestTests {
  @Test(arguments: WireABI.allCases)
  func sizesAreThoseOfTheStructures(abi: WireABI) {
    #expect(abi.blockABI.slotByteCount == abi.slotByteCount)
    #expect(abi.blockABI.responseByteCount == abi.responseByteCount)
  }

  @Test(arguments: WireABI.allCases, [UInt8(0), 1, 2, 3])
  func directRequests(abi: WireABI, operation: UInt8) throws {
    var generator = SeededGenerator(seed: UInt64(operation))
    for count in 0...11 {
      var wire = wireRequest(operation, &generator)
      wire.second = UInt8(count)
      let segments = (0..<count).map { _ in randomSegment(&generator) }
      for (index, segment) in segments.enumerated() {
        // SAFETY: at most eleven segments.
        unsafe reference_set_segment(&wire, index, segment)
      }
      let slot = encode(wire, abi)
      let request = decode(wire, abi)
      expectHeader(request, wire)
      #expect(request.responseOperation == operation)
      guard case .direct(let decoded, let sector, let segmentCount) = request.body else {
        Issue.record("\(request.body)")
        continue
      }
      #expect(decoded.rawValue == operation)
      #expect(sector == wire.sector)
      #expect(segmentCount == count)
      for (index, segment) in segments.enumerated() {
        // SAFETY: the raw bytes of initialised integers.
        let found = BlockSegment(index, ofSlot: unsafe slot.span.bytes, abi: abi.blockABI)
        #expect(found.reference.rawValue == segment.reference)
        #expect(found.firstSector == segment.first)
        #expect(found.lastSector == segment.last)
      }
    }
  }

  /// A count above what a slot holds is passed on, to be judged; no byte behind the slot is read.
  @Test(arguments: WireABI.allCases, [UInt8(12), 32, 255])
  func segmentCountsBeyondTheSlot(abi: WireABI, count: UInt8) {
    var generator = SeededGenerator(seed: 1)
    var wire = wireRequest(1, &generator)
    wire.second = count
    guard case .direct(_, _, let segmentCount) = decode(wire, abi).body else {
      Issue.record("not direct")
      return
    }
    #expect(segmentCount == Int(count))
  }

  @Test(arguments: WireABI.allCases, [UInt8(0), 1, 2, 255])
  func discards(abi: WireABI, flag: UInt8) {
    var generator = SeededGenerator(seed: 7)
    var wire = wireRequest(5, &generator)
    wire.second = flag
    wire.sector_count = generator.next()
    let request = decode(wire, abi)
    expectHeader(request, wire)
    guard case .discard(let sector, let sectorCount, let secure) = request.body else {
      Issue.record("not a discard")
      return
    }
    #expect(sector == wire.sector)
    #expect(sectorCount == wire.sector_count)
    #expect(secure == (flag & 1 == 1))
  }

  @Test(arguments: WireABI.allCases, [UInt8(0), 1])
  func indirectRequests(abi: WireABI, inner: UInt8) {
    var generator = SeededGenerator(seed: UInt64(inner))
    var wire = wireRequest(6, &generator)
    wire.second = inner
    wire.indirect_segments = 0xabcd
    let references = (0..<8).map { _ in UInt32(truncatingIfNeeded: generator.next()) }
    for (index, reference) in references.enumerated() {
      // SAFETY: eight pages.
      unsafe reference_set_page(&wire, index, reference)
    }
    let request = decode(wire, abi)
    expectHeader(request, wire)
    #expect(request.responseOperation == inner, "a frontend compares it with the inner one")
    guard case .indirect(let operation, let sector, let count, let pages) = request.body else {
      Issue.record("not indirect")
      return
    }
    #expect(operation.rawValue == inner)
    #expect(sector == wire.sector)
    #expect(count == 0xabcd)
    for index in 0..<8 { #expect(pages[index].rawValue == references[index]) }
  }

  /// Only reads and writes have an indirect form.
  @Test(arguments: WireABI.allCases, [UInt8(2), 3, 4, 5, 6, 255])
  func indirectFormsOfOtherOperations(abi: WireABI, inner: UInt8) {
    var generator = SeededGenerator(seed: 3)
    var wire = wireRequest(6, &generator)
    wire.second = inner
    let request = decode(wire, abi)
    guard case .unknown = request.body else {
      Issue.record("\(request.body)")
      return
    }
    #expect(request.identifier == wire.identifier)
    #expect(request.responseOperation == inner)
  }

  /// Of an operation that is not known, identifier and operation are all that counts.
  @Test(arguments: WireABI.allCases)
  func unknownOperations(abi: WireABI) {
    var generator = SeededGenerator(seed: 4)
    for operation in [UInt8(4)] + Array(7...255) {
      let wire = wireRequest(operation, &generator)
      let request = decode(wire, abi)
      guard case .unknown = request.body else {
        Issue.record("\(request.body)")
        continue
      }
      expectHeader(request, wire)
      #expect(request.responseOperation == operation)
    }
  }

  @Test func protocolNodes() {
    #expect(BlockABI(protocolNode: nil) == .x86Bits32)
    #expect(BlockABI(protocolNode: "x86_32-abi") == .x86Bits32)
    #expect(BlockABI(protocolNode: "x86_64-abi") == .x86Bits64)
    #expect(BlockABI(protocolNode: "arm-abi") == .x86Bits64)
    for text in ["", "x86_64", "X86_64-ABI", "native64", "x86_64-abi\n"] {
      #expect(BlockABI(protocolNode: text) == nil)
    }
  }

  private func wireRequest(
    _ operation: UInt8, _ generator: inout SeededGenerator
  ) -> reference_request {
    var wire = reference_request()
    wire.operation = operation
    wire.handle = UInt16(truncatingIfNeeded: generator.next())
    wire.identifier = generator.next()
    wire.sector = generator.next()
    return wire
  }

  private func randomSegment(_ generator: inout SeededGenerator) -> reference_segment {
    reference_segment(
      reference: UInt32(truncatingIfNeeded: generator.next()),
      first: UInt8(truncatingIfNeeded: generator.next()),
      last: UInt8(truncatingIfNeeded: generator.next()))
  }

  private func encode(_ wire: reference_request, _ abi: WireABI) -> [UInt8] {
    abi.encode(wire, over: [UInt8](repeating: 0xa5, count: abi.slotByteCount))
  }

  private func decode(_ wire: reference_request, _ abi: WireABI) -> BlockRequest {
    let slot = encode(wire, abi)
    // SAFETY: the raw bytes of initialised integers.
    return BlockRequest(slot: unsafe slot.span.bytes, abi: abi.blockABI)
  }

  private func expectHeader(_ request: BlockRequest, _ wire: reference_request) {
    #expect(request.identifier == wire.identifier)
  }
}
