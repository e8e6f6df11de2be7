import RingTransport

/// What an earlier process told the guest of the vif, read back from the leaf. A connected guest
/// relies on it, so a process that takes over must not offer less.
struct NetPromises: Sendable, Equatable {
  /// The most queues that the guest may have, as far as there can be as many.
  let queueCountMax: Int
  /// Whether the guest may send packets that somebody has yet to cut into segments.
  let takesOffloads: Bool

  /// The nodes that ``init(values:)`` wants, in its order.
  static let nodes = [
    "multi-queue-max-queues", "feature-gso-tcpv4", "feature-gso-tcpv6",
    "feature-ipv6-csum-offload",
  ]

  /// Judges the nodes' values; nil stands for a node that is not there, which promises nothing.
  init(values: [String?]) throws(NetPromiseError) {
    precondition(values.count == Self.nodes.count)
    let numbers = try zip(Self.nodes, values).map {
      (node, value) throws(NetPromiseError) -> UInt32 in
      guard let value else { return 0 }
      guard let number = UInt32(value) else { throw .unreadable(node: node, value: value) }
      return number
    }
    queueCountMax = min(max(1, Int(numbers[0])), NetOptions.queueCountRange.upperBound)
    takesOffloads = numbers[1...].contains { $0 != 0 }
  }

  /// Whether the promises can be kept with a network side.
  func check(against uplink: NetUplink) throws(NetPromiseError) {
    if takesOffloads, !uplink.takesOffloads { throw .offloads(uplink) }
  }
}

/// Why a promise cannot be kept. The guest waits until it can.
enum NetPromiseError: Error, Equatable, CustomStringConvertible {
  case unreadable(node: String, value: String)
  case offloads(NetUplink)
  case queues(used: Int, NetUplink)

  var description: String {
    switch self {
    case .unreadable(let node, let value):
      "the vif's '\(node)' node, from which an earlier process served it, is '\(value)'"
    case .offloads(let uplink):
      "the guest was promised that unfinished packets are taken, and \(uplink) takes none"
    case .queues(let used, let uplink):
      "the guest uses \(used) queues, and \(uplink) has \(uplink.queueCountMax)"
    }
  }
}
