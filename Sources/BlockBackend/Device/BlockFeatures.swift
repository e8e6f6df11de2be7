import RingTransport

/// What we tell the frontend about the disk, as nodes of the leaf (`xen/io/blkif.h`, "Backend
/// Device Properties" and "Backend XenBus Nodes").
///
/// Few nodes: a domain owns at most 1000 by default, and each disk of each guest needs its own.
enum BlockFeatures {
  /// Log2 of the most ring pages that we map: 512 slots.
  static let largestRingPageOrder = 4

  /// Written together with state InitWait.
  static func nodes(
    _ leaf: BackendLeaf, _ configuration: BlockConfiguration, _ geometry: BlockGeometry
  ) -> [XenStoreOperation] {
    var values = [
      ("max-ring-page-order", String(largestRingPageOrder)),
      ("feature-max-indirect-segments", String(BlockLimits.indirectSegments)),
      ("feature-flush-cache", "1"),
      ("feature-barrier", "1"),
      ("sector-size", String(geometry.logicalSectorByteCount)),
      ("physical-sector-size", String(geometry.physicalSectorByteCount)),
      ("info", String(information(configuration))),
      ("sectors", String(geometry.sectorCount)),
      ("hotplug-status", "connected"),
    ]
    if let discard = geometry.discard {
      values += [
        ("feature-discard", "1"),
        ("discard-granularity", String(discard.granularityBytes)),
        ("discard-alignment", String(discard.alignmentBytes)),
        ("discard-secure", "0"),
      ]
    }
    return values.map { .write(leaf.node($0.0), $0.1) }
  }

  /// Written when the target grew, with the state once more, which is the frontend's signal.
  static func capacityNodes(
    _ leaf: BackendLeaf, _ geometry: BlockGeometry
  ) -> [XenStoreOperation] {
    [.write(leaf.node("sectors"), String(geometry.sectorCount))]
  }

  /// The `info` bits (`VDISK_CDROM`, `VDISK_REMOVABLE`, `VDISK_READONLY`).
  private static func information(_ configuration: BlockConfiguration) -> Int {
    (configuration.isCompactDisc ? 1 : 0) | (configuration.isRemovable ? 2 : 0)
      | (configuration.target.isReadOnly ? 4 : 0)
  }
}
