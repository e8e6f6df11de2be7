import Logging

/// What a queue has done, for the log.
struct NetStatistics: Sendable, Equatable {
  /// From the guest: packets passed on, with their bytes.
  var transmittedPackets: UInt64 = 0
  var transmittedBytes: UInt64 = 0
  /// Of those: packets that somebody has yet to cut into segments.
  var transmittedSegmented: UInt64 = 0
  /// To the guest.
  var receivedPackets: UInt64 = 0
  var receivedBytes: UInt64 = 0
  var receivedSegmented: UInt64 = 0
  /// From the guest, refused by the vif's filter: a foreign address, as a rule.
  var spoofed: UInt64 = 0
  /// From the guest: no packet that could be sent.
  var malformed: UInt64 = 0
  /// From the guest: data that could not be copied, because a grant was bad.
  var badGrants: UInt64 = 0
  /// From the guest, and not taken by the network.
  var refused: UInt64 = 0
  /// To the guest, which could not take such a frame.
  var undeliverable: UInt64 = 0
  /// To the guest, for a group that it did not ask for.
  var filtered: UInt64 = 0
  /// To the guest, which had no room for them for too long.
  var stalled: UInt64 = 0
  /// Events sent to the guest.
  var notifications: UInt64 = 0
  var turns: UInt64 = 0

  static func + (left: NetStatistics, right: NetStatistics) -> NetStatistics {
    var sum = left
    sum.transmittedPackets += right.transmittedPackets
    sum.transmittedBytes += right.transmittedBytes
    sum.transmittedSegmented += right.transmittedSegmented
    sum.receivedPackets += right.receivedPackets
    sum.receivedBytes += right.receivedBytes
    sum.receivedSegmented += right.receivedSegmented
    sum.spoofed += right.spoofed
    sum.malformed += right.malformed
    sum.badGrants += right.badGrants
    sum.refused += right.refused
    sum.undeliverable += right.undeliverable
    sum.filtered += right.filtered
    sum.stalled += right.stalled
    sum.notifications += right.notifications
    sum.turns += right.turns
    return sum
  }

  /// The fields of a log line.
  var metadata: Logger.Metadata {
    [
      "tx-packets": "\(transmittedPackets)", "tx-bytes": "\(transmittedBytes)",
      "tx-segmented": "\(transmittedSegmented)", "rx-packets": "\(receivedPackets)",
      "rx-bytes": "\(receivedBytes)", "rx-segmented": "\(receivedSegmented)",
      "spoofed": "\(spoofed)", "malformed": "\(malformed)", "bad-grants": "\(badGrants)",
      "refused": "\(refused)", "undeliverable": "\(undeliverable)", "filtered": "\(filtered)",
      "stalled": "\(stalled)", "notifications": "\(notifications)", "turns": "\(turns)",
    ]
  }
}
