/// What a guest asks its disk for.
package struct FrontendRequest: Sendable {
  /// The operations of the block protocol, as a guest counts them.
  package enum Operation: UInt8, Sendable {
    case read = 0
    case write = 1
    case barrier = 2
    case flush = 3
    case reserved = 4
    case discard = 5
  }

  /// What to do.
  package var operation: Operation
  /// Where, in sectors of 512 bytes.
  package var sector: UInt64
  /// The sectors of each page that take part.
  package var segments: [ClosedRange<UInt8>] = []
  /// Whether the segments go into a page of their own.
  package var isIndirect = false
  /// The bytes to write, as many as the segments hold.
  package var data: [UInt8] = []
  /// How many sectors to discard.
  package var discardCount: UInt64 = 0
  /// The discard's flag.
  package var discardFlag: UInt8 = 0

  /// Asks for nothing yet.
  package init(_ operation: Operation, sector: UInt64 = 0) {
    self.operation = operation
    self.sector = sector
  }

  /// Sectors that the segments hold.
  package var sectorCount: Int {
    segments.reduce(0) { $0 + Int($1.upperBound) - Int($1.lowerBound) + 1 }
  }

  /// Whole pages, and as much of a last one as `sectorCount` needs.
  package static func pages(sectorCount: Int) -> [ClosedRange<UInt8>] {
    stride(from: 0, to: sectorCount, by: 8).map { start in
      0...UInt8(min(8, sectorCount - start) - 1)
    }
  }
}

/// How a request ended.
package struct FrontendCompletion: Sendable {
  /// The number that the frontend gave it.
  package let identifier: UInt64
  /// What was asked for.
  package let request: FrontendRequest
  /// `BLKIF_RSP_*`: 0, -1 or -2.
  package let status: Int16
  /// The bytes read, when the status is 0.
  package let data: [UInt8]
}

/// A backend did what no backend may. Linux would disable the disk, or worse.
package struct PeerFailure: Error, CustomStringConvertible, Sendable {
  /// What it did.
  package let description: String

  /// Says what it did.
  package init(_ description: String) {
    self.description = description
  }
}
