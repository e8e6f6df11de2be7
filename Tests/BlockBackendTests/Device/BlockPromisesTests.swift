import RingTransport
import Testing

@testable import BlockBackend

/// What a guest was told, and what becomes of it.
struct BlockPromisesTests {
  private static let told: [String?] = ["512", "2048", "256", "1", "4096", "0"]

  private func target(
    megabytes: UInt64 = 1, sector: Int = 512, discard: BlockGeometry.Discard? = nil
  ) -> BlockGeometry {
    BlockGeometry(
      capacityBytes: megabytes << 20, logicalSectorByteCount: sector,
      physicalSectorByteCount: sector, discard: discard)
  }

  @Test func whatWasToldIsServed() throws {
    let kept = try BlockPromises(values: Self.told).keep(in: target())
    #expect(kept.sectorCount == 2048)
    #expect(kept.discard == .init(granularityBytes: 4096, alignmentBytes: 0))
    // What the guest does not know of is not needed.
    var silent = Self.told
    silent[3] = nil
    let other = try BlockPromises(values: silent).keep(
      in: target(discard: .init(granularityBytes: 512, alignmentBytes: 0)))
    #expect(other.discard == nil)
  }

  @Test func aTargetMayGrowAndMayNotShrink() throws {
    let promises = try BlockPromises(values: Self.told)
    #expect(try promises.keep(in: target(megabytes: 2)).sectorCount == 4096)
    var small = target()
    small.capacityBytes -= 512
    #expect(throws: BlockPromiseError.capacity(promised: 2048, target: 2047)) {
      try promises.keep(in: small)
    }
  }

  @Test func sectorsMayGetSmallerAndNotLarger() throws {
    #expect(throws: BlockPromiseError.sectorSize(promised: 512, target: 4096)) {
      try BlockPromises(values: Self.told).keep(in: target(sector: 4096))
    }
    var large = Self.told
    large[0] = "4096"
    let kept = try BlockPromises(values: large).keep(in: target())
    #expect(kept.logicalSectorByteCount == 4096 && kept.physicalSectorByteCount == 4096)
    #expect(kept.byteRange(sector: 1, sectorCount: 8) == nil, "not on whole sectors")
  }

  @Test func moreSegmentsThanWeServeAreRefused() throws {
    var many = Self.told
    many[2] = "257"
    #expect(throws: BlockPromiseError.indirectSegments(257)) {
      try BlockPromises(values: many).keep(in: target())
    }
    many[2] = nil
    #expect(try BlockPromises(values: many).indirectSegments == 0)
  }

  @Test(arguments: [
    (0, "x"), (0, "0"), (0, "256"), (1, ""), (1, nil), (2, "-1"), (4, "1e3"),
    (0, "99999999999999999999"),
  ])
  func nonsenseIsNoPromise(index: Int, value: String?) {
    var values = Self.told
    values[index] = value
    #expect(throws: BlockPromiseError.self) { try BlockPromises(values: values) }
  }

  /// What a process publishes is what the next one reads.
  @Test func promisesAreWhatIsPublished() throws {
    let geometry = target(sector: 4096, discard: .init(granularityBytes: 512, alignmentBytes: 8))
    let leaf = BackendLeaf(
      kind: .virtualBlockDevice, frontendDomain: DomainIdentifier(rawValue: 2), device: 51712)
    let configuration = try BlockConfiguration(
      leaf: leaf, values: ["/local/domain/2/device/vbd/51712", "/dev/vda", "w", nil, nil, nil])
    var written: [String: String] = [:]
    for case .write(let path, let value) in BlockFeatures.nodes(leaf, configuration, geometry) {
      written[path.description] = value
    }
    let values = BlockPromises.nodes.map { written[leaf.node($0).description] }
    #expect(try BlockPromises(values: values) == BlockPromises(geometry))
  }
}
