import RingTransport

/// What a vif's processes have done in all, as sums of its status page. Every queue adds its own.
///
/// | word | sum of |
/// |---|---|
/// | 0, 1, 2 | packets and bytes from the guest, and of the packets those to be cut yet |
/// | 3, 4, 5 | the same for packets to the guest |
/// | 6, 7 | dropped packets from the guest: foreign address, malformed |
/// | 8, 9 | the same: bad grant (either way), refused by the network |
/// | 10, 11 | dropped frames to the guest: it cannot take them, it did not ask for the group |
/// | 12 | the same: it offered no room for too long |
/// | 13 | events sent to the guest |
/// | 14 | turns |
struct NetSums: Sendable {
  private var sums: StatusSums

  init(_ page: StatusPage) {
    sums = StatusSums(page)
  }

  /// Passes on what a queue has done since the last call.
  mutating func report(_ statistics: NetStatistics) {
    var values = InlineArray<16, UInt64>(repeating: 0)
    values[0] = statistics.transmittedPackets
    values[1] = statistics.transmittedBytes
    values[2] = statistics.transmittedSegmented
    values[3] = statistics.receivedPackets
    values[4] = statistics.receivedBytes
    values[5] = statistics.receivedSegmented
    values[6] = statistics.spoofed
    values[7] = statistics.malformed
    values[8] = statistics.badGrants
    values[9] = statistics.refused
    values[10] = statistics.undeliverable
    values[11] = statistics.filtered
    values[12] = statistics.stalled
    values[13] = statistics.notifications
    values[14] = statistics.turns
    sums.report(values)
  }
}
