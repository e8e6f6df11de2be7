/// What goes wrong on one connection to the simulated xenstored. All chances are seeded.
package struct StoreFaults {
  /// The order in which replies reach the client.
  package enum ReplyOrder {
    /// As xenstored sends them.
    case inOrder
    /// As Linux's xenbus device hands them out: those to watches may come early or late.
    case device
    /// Any order at all.
    case any
  }

  /// The seed of all chances.
  package var seed: UInt64 = 0
  /// Reads and writes move between 1 and this many bytes.
  package var chunkByteCountMax = Int.max
  /// How often a read or write finds that it would block, in percent.
  package var wouldBlockPercent = 0
  /// How often a commit fails with EAGAIN though nothing conflicts, in percent.
  package var conflictPercent = 0
  /// The order in which replies reach the client.
  package var replyOrder = ReplyOrder.inOrder

  /// Creates a plan; without arguments nothing goes wrong.
  package init(
    seed: UInt64 = 0, chunkByteCountMax: Int = .max, wouldBlockPercent: Int = 0,
    conflictPercent: Int = 0, replyOrder: ReplyOrder = .inOrder
  ) {
    self.seed = seed
    self.chunkByteCountMax = chunkByteCountMax
    self.wouldBlockPercent = wouldBlockPercent
    self.conflictPercent = conflictPercent
    self.replyOrder = replyOrder
  }
}
