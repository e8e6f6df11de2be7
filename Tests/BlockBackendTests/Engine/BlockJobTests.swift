import RingTransport
import Testing

@testable import BlockBackend

/// The rules that a request is judged by, one by one.
struct BlockJobTests {
  private var geometry = BlockGeometry(
    capacityBytes: 1 << 20, discard: .init(granularityBytes: 512, alignmentBytes: 0))

  // MARK: Direct requests

  @Test func readsAndWritesOfElevenWholePages() throws {
    for operation in [BlockOperation.read, .write] {
      let job = try judge(direct(operation, sector: 16, pages(11)))
      #expect(job.kind == (operation == .read ? .read : .write))
      #expect(job.byteOffset == 16 * 512 && job.byteCount == 11 * 4096)
      #expect(job.segmentCount == 11 && job.pageCount == 11)
      #expect(!job.isIndirect && !job.writesAfterFlush)
    }
  }

  /// The buffer holds the data without gaps, but each segment's grant copy has the place of a page.
  @Test func pagesFollowTheSegments() throws {
    #expect(try judge(direct(.read, sector: 0, [(0, 0)])).pageCount == 1)
    #expect(try judge(direct(.read, sector: 0, [(0, 3), (4, 7)])).pageCount == 2)
    #expect(try judge(direct(.read, sector: 0, [(0, 3), (3, 7)])).pageCount == 2)
  }

  @Test func aReadOrWriteNeedsSegments() {
    for operation in [BlockOperation.read, .write] {
      expect(.invalid, direct(operation, sector: 0, []))
    }
  }

  @Test(arguments: [12, 32, 127, 255])
  func atMostElevenSegments(count: Int) {
    for operation in [BlockOperation.read, .write, .flush] {
      expect(.invalid, direct(operation, sector: 0, pages(11), segmentCount: count))
    }
  }

  @Test func segmentsLieInTheirPage() {
    for bad: (UInt8, UInt8) in [(1, 0), (7, 0), (0, 8), (8, 8), (0, 255), (255, 255), (255, 0)] {
      expect(.invalid, direct(.read, sector: 0, [bad]))
      expect(.invalid, direct(.write, sector: 0, [(0, 7), bad]))
    }
  }

  @Test func theRangeLiesOnTheDisk() throws {
    #expect(try judge(direct(.read, sector: 2040, pages(1))).byteCount == 4096)
    expect(.invalid, direct(.read, sector: 2041, pages(1)))
    expect(.invalid, direct(.write, sector: 2048, [(0, 0)]))
    let far: [UInt64] = [.max, .max - 7, .max - 8, 1 << 63, .max / 512]
    for sector in far {
      expect(.invalid, direct(.read, sector: sector, pages(1)))
      expect(.invalid, direct(.write, sector: sector, pages(11)))
    }
  }

  // MARK: Flush and barrier

  @Test func aFlushCarriesNothingOrAWrite() throws {
    let plain = try judge(direct(.flush, sector: .max, []))
    #expect(plain.kind == .flush && plain.byteCount == 0 && plain.pageCount == 0)
    let withData = try judge(direct(.flush, sector: 8, pages(2)))
    #expect(withData.kind == .flush && withData.writesAfterFlush)
    #expect(withData.byteOffset == 4096 && withData.byteCount == 8192)
    expect(.invalid, direct(.flush, sector: 2048, pages(1)))
  }

  @Test func aBarrierIsAWriteBetweenFlushes() throws {
    let barrier = try judge(direct(.writeBarrier, sector: 8, pages(2)))
    #expect(barrier.isBarrier && barrier.kind == .flush)
    #expect(barrier.writesAfterFlush && barrier.flushesAfterWrite)
    #expect(barrier.byteOffset == 4096 && barrier.byteCount == 8192)
    let empty = try judge(direct(.writeBarrier, sector: .max, []))
    #expect(empty.isBarrier && empty.kind == .flush && !empty.writesAfterFlush)
    expect(.invalid, direct(.writeBarrier, sector: 2048, pages(1)))
    #expect(try !judge(direct(.flush, sector: 8, pages(2))).isBarrier)
  }

  // MARK: Read-only disks

  @Test func aReadOnlyDiskRefusesAllThatMutates() throws {
    let readOnly = BlockGeometry(
      capacityBytes: 1 << 20, isReadOnly: true,
      discard: .init(granularityBytes: 512, alignmentBytes: 0))
    expect(.invalid, direct(.write, sector: 0, pages(1)), against: readOnly)
    expect(.invalid, direct(.flush, sector: 0, pages(1)), against: readOnly)
    expect(.invalid, direct(.writeBarrier, sector: 0, pages(1)), against: readOnly)
    expect(.invalid, direct(.writeBarrier, sector: 0, []), against: readOnly)
    expect(.invalid, discard(sector: 0, count: 8), against: readOnly)
    expect(.invalid, indirect(.write, sector: 0, segmentCount: 1), against: readOnly)
    #expect(try judge(direct(.read, sector: 0, pages(1)), against: readOnly).kind == .read)
    #expect(try judge(direct(.flush, sector: 0, []), against: readOnly).kind == .flush)
    #expect(
      try judge(indirect(.read, sector: 0, segmentCount: 1), against: readOnly).kind == .read)
  }

  // MARK: Large logical sectors

  @Test func requestsCoverWholeLogicalSectors() throws {
    let large = BlockGeometry(
      capacityBytes: 1 << 20, logicalSectorByteCount: 4096, physicalSectorByteCount: 4096,
      discard: .init(granularityBytes: 4096, alignmentBytes: 0))
    #expect(try judge(direct(.write, sector: 8, [(0, 3), (0, 3)]), against: large).pageCount == 2)
    expect(.invalid, direct(.write, sector: 4, pages(1)), against: large)
    expect(.invalid, direct(.read, sector: 8, [(0, 3)]), against: large)
    expect(.invalid, discard(sector: 8, count: 4), against: large)
    expect(.invalid, discard(sector: 1, count: 8), against: large)
    expect(.invalid, indirect(.read, sector: 3, segmentCount: 8), against: large)
  }

  // MARK: Discard

  @Test func discardsLieOnTheDisk() throws {
    let job = try judge(discard(sector: 8, count: 2040))
    #expect(job.kind == .discard && job.byteOffset == 4096 && job.byteCount == 2040 * 512)
    #expect(job.pageCount == 0)
    expect(.invalid, discard(sector: 8, count: 2041))
    expect(.invalid, discard(sector: 0, count: 0))
    expect(.invalid, discard(sector: .max, count: 2))
    expect(.invalid, discard(sector: 2, count: .max))
    expect(.invalid, discard(sector: 0, count: .max / 512 + 1))
  }

  @Test func discardsThatAreNotOffered() {
    expect(.notSupported, discard(sector: 0, count: 8, secure: true))
    expect(.notSupported, discard(sector: 0, count: 8), against: .init(capacityBytes: 1 << 20))
  }

  // MARK: Indirect requests

  @Test func indirectRequestsKeepTheirRangeForLater() throws {
    for count in [1, 11, 12, 256] {
      let job = try judge(indirect(.write, sector: 24, segmentCount: count))
      #expect(job.isIndirect && job.kind == .write && job.sector == 24)
      #expect(job.segmentCount == count && job.byteCount == 0)
      #expect(job.pageCount == count + 1, "the segments need a page of their own")
      #expect(job.segmentPage.rawValue == 99)
    }
  }

  @Test(arguments: [0, 257, 512, 4096, 65535])
  func indirectRequestsHaveAsManySegmentsAsWeOffered(count: Int) {
    expect(.invalid, indirect(.read, sector: 0, segmentCount: count))
  }

  @Test func indirectRequestsBeginOnTheDisk() {
    expect(.invalid, indirect(.read, sector: 2049, segmentCount: 1))
    expect(.invalid, indirect(.write, sector: .max, segmentCount: 256))
  }

  @Test func unknownOperationsAreNotSupported() {
    expect(.notSupported, Asked(body: .unknown))
    #expect(BlockRefusal.notSupported.status == .notSupported)
    #expect(BlockRefusal.invalid.status == .error)
  }

  // MARK: Helpers

  /// A request, and the first and last sectors of the segments in its slot.
  private struct Asked {
    var body: BlockRequest.Body
    var ranges: [(UInt8, UInt8)] = []
  }

  private func judge(
    _ asked: Asked, against other: BlockGeometry? = nil
  ) throws(BlockRefusal) -> BlockJob {
    let abi = BlockABI.x86Bits64
    var slot = [UInt8](repeating: 0, count: abi.slotByteCount)
    for (index, range) in asked.ranges.enumerated() {
      (slot[abi.payloadOffset + index * 8 + 4], slot[abi.payloadOffset + index * 8 + 5]) = range
    }
    // SAFETY: the raw bytes of initialised integers; so below.
    var request = BlockRequest(slot: unsafe slot.span.bytes, abi: abi)
    request.body = asked.body
    return try BlockJob(
      judging: request, in: unsafe slot.span.bytes, abi: abi, against: other ?? geometry)
  }

  private func expect(
    _ refusal: BlockRefusal, _ asked: Asked, against other: BlockGeometry? = nil,
    at location: SourceLocation = #_sourceLocation
  ) {
    #expect(throws: refusal, sourceLocation: location) { try judge(asked, against: other) }
  }

  private func pages(_ count: Int) -> [(UInt8, UInt8)] {
    Array(repeating: (0, 7), count: count)
  }

  private func direct(
    _ operation: BlockOperation, sector: UInt64, _ ranges: [(UInt8, UInt8)],
    segmentCount: Int? = nil
  ) -> Asked {
    Asked(
      body: .direct(operation, sector: sector, segmentCount: segmentCount ?? ranges.count),
      ranges: ranges)
  }

  private func indirect(
    _ operation: BlockOperation, sector: UInt64, segmentCount: Int
  ) -> Asked {
    let pages = InlineArray<8, GrantReference>(repeating: GrantReference(rawValue: 99))
    return Asked(
      body: .indirect(operation, sector: sector, segmentCount: segmentCount, pages: pages))
  }

  private func discard(
    sector: UInt64, count: UInt64, secure: Bool = false
  ) -> Asked {
    Asked(body: .discard(sector: sector, sectorCount: count, secure: secure))
  }
}
