import RingTransport

/// What a device's backends have done since the driver domain started: the sums that they publish
/// through init. They are the driver domain's word, and shown, not acted upon.
struct DeviceStatistics: Equatable {
  let leaf: BackendLeaf
  /// How often a backend of the device was restarted within the domain.
  var restarts: UInt64
  /// The words of the status page: `BlockSums` and `NetSums` say what each is.
  private let sums: [UInt64]

  /// Words of a status page (`StatusLayout`).
  static let sumCount = StatusLayout.statisticCount

  /// Reads a node's name, `vbd-2-51712`, and its value, sixteen numbers; nil where they are
  /// something else.
  init?(name: String, value: String, restarts: String?) {
    let parts = name.split(separator: "-", omittingEmptySubsequences: false)
    guard parts.count == 3,
      let leaf = BackendLeaf(kind: parts[0], frontendDomain: parts[1], device: parts[2])
    else { return nil }
    let sums = value.split(separator: " ").map { UInt64($0) }
    guard sums.count == Self.sumCount, !sums.contains(nil) else { return nil }
    self.leaf = leaf
    self.sums = sums.compactMap { $0 }
    self.restarts = restarts?.split(separator: " ").last.flatMap { UInt64($0) } ?? 0
  }

  var isDisk: Bool { leaf.kind.isDisk }
  /// Requests of a disk, packets of an interface; out of the guest's sight, so to it and from it.
  var readCount: UInt64 { isDisk ? sums[0] : sums[3] }
  var writtenCount: UInt64 { isDisk ? sums[1] : sums[0] }
  /// Bytes that went to the guest, and from it.
  var bytesRead: UInt64 { isDisk ? sums[5] : sums[4] }
  var bytesWritten: UInt64 { isDisk ? sums[6] : sums[1] }
  /// A disk's flushes and discards.
  var flushCount: UInt64 { isDisk ? sums[2] : 0 }
  var discardCount: UInt64 { isDisk ? sums[3] : 0 }
  /// A disk's requests that were answered with an error, an interface's packets that were dropped.
  var failureCount: UInt64 {
    isDisk ? sums[7] : sums[6...12].reduce(0) { $0 &+ $1 }
  }
  /// The time that all of a disk's requests took together, in nanoseconds; 0 of an interface.
  var requestNanoseconds: UInt64 { isDisk ? sums[9] : 0 }
  /// All requests or packets.
  var totalCount: UInt64 {
    readCount &+ writtenCount &+ flushCount &+ discardCount
  }
}

extension Store where Transport: ~Copyable {
  /// Asks a driver domain what its backends have done.
  ///
  /// - Returns: nil when it does not answer in time: it is booting, or is none of ours.
  mutating func statistics(
    of domain: DomainIdentifier, question: String
  ) throws(KeeperError) -> [DeviceStatistics]? {
    let directory = StorePaths.domain(domain).appending("data/driver-domain")
    // Writing there would make nodes of a domain that is not there.
    guard try read(directory.appending("status")) != nil else { return nil }
    try write(directory.appending("report"), question)
    let end = MonotonicClock.milliseconds() + StatisticsWait.millisecondsMax
    while try read(directory.appending("reported")) != question {
      guard MonotonicClock.milliseconds() < end else { return nil }
      StatisticsWait.pause()
    }
    let names = try children(
      of: [directory.appending("statistics")], countMax: LeafContents.deviceCountMax)[0]
    let values = try values(of: names.map { directory.appending("statistics").appending($0) })
    let restarts = try self.values(
      of: names.map { directory.appending("devices").appending($0) })
    return names.indices.compactMap { index in
      values[index].flatMap {
        DeviceStatistics(name: names[index], value: $0, restarts: restarts[index])
      }
    }.sorted { $0.leaf < $1.leaf }
  }
}
