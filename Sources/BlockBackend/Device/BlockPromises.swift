import RingTransport

/// What a frontend was told about its disk when it connected, and has built upon: a later backend
/// process, or a target that comes back, has to keep it.
struct BlockPromises: Sendable, Equatable {
  /// `sector-size`, in bytes.
  var logicalSectorByteCount: Int
  /// `sectors`, of 512 bytes each.
  var sectorCount: UInt64
  /// `feature-max-indirect-segments`; 0 when indirect requests were not offered.
  var indirectSegments: Int
  /// `feature-discard` and what belongs to it.
  var discard: BlockGeometry.Discard?

  /// The nodes of the leaf that ``init(values:)`` wants, in its order.
  static let nodes = [
    "sector-size", "sectors", "feature-max-indirect-segments", "feature-discard",
    "discard-granularity", "discard-alignment",
  ]

  /// What a leaf promises; nil stands for a node that is not there.
  init(values: [String?]) throws(BlockPromiseError) {
    precondition(values.count == Self.nodes.count)
    let sectorByteCount = try Self.number(values, 0) ?? UInt64(BlockLimits.sectorByteCount)
    guard let sectorCount = try Self.number(values, 1) else {
      throw .unreadable(node: Self.nodes[1], value: values[1])
    }
    guard let logical = Int(exactly: sectorByteCount), logical >= BlockLimits.sectorByteCount,
      let indirect = Int(exactly: try Self.number(values, 2) ?? 0)
    else { throw .unreadable(node: Self.nodes[0], value: values[0]) }
    logicalSectorByteCount = logical
    self.sectorCount = sectorCount
    indirectSegments = indirect
    if try Self.number(values, 3) == 1 {
      discard = BlockGeometry.Discard(
        granularityBytes: try Self.number(values, 4) ?? 512,
        alignmentBytes: try Self.number(values, 5) ?? 0)
    }
  }

  /// What a frontend is told of a target.
  init(_ geometry: BlockGeometry) {
    logicalSectorByteCount = geometry.logicalSectorByteCount
    sectorCount = geometry.sectorCount
    indirectSegments = BlockLimits.indirectSegments
    discard = geometry.discard
  }

  /// The geometry by which a target is served to a frontend that was promised this.
  ///
  /// A target that is smaller or has larger sectors is another one, or was changed under the guest:
  /// serving it would answer good requests with errors, or with another disk's data.
  func keep(in geometry: BlockGeometry) throws(BlockPromiseError) -> BlockGeometry {
    guard indirectSegments <= BlockLimits.indirectSegments else {
      throw .indirectSegments(indirectSegments)
    }
    guard logicalSectorByteCount % geometry.logicalSectorByteCount == 0 else {
      throw .sectorSize(
        promised: logicalSectorByteCount, target: geometry.logicalSectorByteCount)
    }
    var kept = geometry
    kept.logicalSectorByteCount = logicalSectorByteCount
    kept.physicalSectorByteCount = max(logicalSectorByteCount, geometry.physicalSectorByteCount)
    kept.capacityBytes -= kept.capacityBytes % UInt64(logicalSectorByteCount)
    guard kept.sectorCount >= sectorCount else {
      throw .capacity(promised: sectorCount, target: kept.sectorCount)
    }
    // Where the target cannot discard any more, each request is told so by itself.
    kept.discard = discard
    return kept
  }

  private static func number(
    _ values: [String?], _ index: Int
  ) throws(BlockPromiseError) -> UInt64? {
    guard let text = values[index] else { return nil }
    guard let number = UInt64(text) else {
      throw .unreadable(node: nodes[index], value: text)
    }
    return number
  }
}

/// Why a promise cannot be kept. The guest waits until it can.
enum BlockPromiseError: Error, Equatable, CustomStringConvertible {
  case unreadable(node: String, value: String?)
  case indirectSegments(Int)
  case sectorSize(promised: Int, target: Int)
  case capacity(promised: UInt64, target: UInt64)

  var description: String {
    switch self {
    case .unreadable(let node, let value):
      "the disk's '\(node)' node, from which an earlier process served it, is "
        + (value.map { "'\($0)'" } ?? "missing")
    case .indirectSegments(let count):
      "the guest was offered requests of \(count) segments; this version serves at most "
        + "\(BlockLimits.indirectSegments)"
    case .sectorSize(let promised, let target):
      "the guest was promised sectors of \(promised) bytes, and the target's have \(target)"
    case .capacity(let promised, let target):
      "the guest was promised \(promised) sectors, and the target has \(target)"
    }
  }
}
