import RingTransport

/// Where the frontend says that its rings are, and what it says of itself. Every value is a hostile
/// guest's word.
struct NetRingParameters: Sendable, Equatable {
  let queues: [NetQueueParameters]
  var guest: NetGuest
  /// Whether it wants only the multicast groups that it adds.
  let requestsMulticastControl: Bool
  let control: Control?

  /// Where the control ring is.
  struct Control: Sendable, Equatable {
    var ring: GrantReference
    var port: EventChannelPort
  }

  /// More room than this in front of received data, and the largest packet would need more slots
  /// than a frontend takes (18). Linux asks for 256 bytes.
  static let headroomByteCountMax: UInt32 = 448

  /// What the frontend says of itself. Only with new rings does it say anything else.
  private static let featureNodes = [
    "request-rx-copy", "feature-rx-notify", "feature-sg", "feature-gso-tcpv4",
    "feature-gso-tcpv6", "feature-no-csum-offload", "feature-ipv6-csum-offload",
  ]
  /// What changes while it is connected, and where its rings are, as are those of each queue.
  private static let generalNodes = [
    "request-multicast-control", "xdp-headroom", "multi-queue-num-queues", "ctrl-ring-ref",
    "event-channel-ctrl",
  ]
  private static let queueNodes = [
    "tx-ring-ref", "rx-ring-ref", "event-channel-tx", "event-channel-rx", "event-channel",
  ]

  /// The nodes of the frontend's directory that ``init(values:frontendDomain:queueCountMax:)``
  /// wants, in its order.
  static func nodes(queueCountMax: Int) -> [String] {
    featureNodes + changeableNodes(queueCountMax: queueCountMax)
  }

  /// Those of the nodes that may say something else without new rings, and those by which new rings
  /// are known: the last ones.
  static func changeableNodes(queueCountMax: Int) -> [String] {
    var nodes = generalNodes + queueNodes
    if queueCountMax > 1 {
      for queue in 0..<queueCountMax { nodes += queueNodes.map { "queue-\(queue)/\($0)" } }
    }
    return nodes
  }

  /// Judges the nodes' values; nil stands for a node that is not there.
  init(
    values: [String?], frontendDomain: DomainIdentifier, queueCountMax: Int
  ) throws(NetRingParametersError) {
    let nodes = Self.nodes(queueCountMax: queueCountMax)
    precondition(values.count == nodes.count)
    let source = Values(nodes: nodes, values: values)
    guard try source.flag("request-rx-copy") else {
      throw .bad(node: "request-rx-copy", value: source["request-rx-copy"])
    }
    let count = try source.optionalNumber("multi-queue-num-queues") ?? 1
    guard count >= 1, count <= UInt32(queueCountMax) else {
      throw .bad(
        node: "multi-queue-num-queues", value: source["multi-queue-num-queues"])
    }
    var queues: [NetQueueParameters] = []
    for queue in 0..<Int(count) {
      // A frontend with one queue has it in its own directory, also where it knows of more.
      queues.append(try source.queue(count == 1 ? "" : "queue-\(queue)/"))
    }
    self.queues = queues
    guest = NetGuest(
      domain: frontendDomain, features: try source.features(),
      sendsReceiveEvents: try source.flag("feature-rx-notify"),
      headroomByteCount: try Self.headroom(source["xdp-headroom"]))
    requestsMulticastControl = try source.flag("request-multicast-control")
    if source["ctrl-ring-ref"] == nil, source["event-channel-ctrl"] == nil {
      control = nil
    } else {
      control = Control(
        ring: GrantReference(rawValue: try source.number("ctrl-ring-ref")),
        port: EventChannelPort(rawValue: try source.number("event-channel-ctrl")))
    }
  }

  /// Judges `xdp-headroom`, which also changes while the vif is connected.
  static func headroom(_ text: String?) throws(NetRingParametersError) -> Int {
    guard let text else { return 0 }
    guard let number = UInt32(text), number <= headroomByteCountMax else {
      throw .bad(node: "xdp-headroom", value: text)
    }
    return Int(number)
  }
}

/// Values by the names of their nodes.
private struct Values {
  private var values: [String: String] = [:]

  init(nodes: [String], values: [String?]) {
    for (node, value) in zip(nodes, values) { self.values[node] = value }
  }

  subscript(node: String) -> String? { values[node] }

  func optionalNumber(_ node: String) throws(NetRingParametersError) -> UInt32? {
    guard let text = values[node] else { return nil }
    guard let number = UInt32(text) else { throw .bad(node: node, value: text) }
    return number
  }

  func number(_ node: String) throws(NetRingParametersError) -> UInt32 {
    guard let number = try optionalNumber(node) else { throw .bad(node: node, value: nil) }
    return number
  }

  func flag(_ node: String) throws(NetRingParametersError) -> Bool {
    try optionalNumber(node).map { $0 != 0 } ?? false
  }

  /// Split event channels first, as Linux's backend looks for them.
  func queue(_ prefix: String) throws(NetRingParametersError) -> NetQueueParameters {
    let transmit: UInt32
    let receive: UInt32
    if values[prefix + "event-channel-tx"] != nil {
      transmit = try number(prefix + "event-channel-tx")
      receive = try number(prefix + "event-channel-rx")
    } else {
      transmit = try number(prefix + "event-channel")
      receive = transmit
    }
    return NetQueueParameters(
      transmitRing: GrantReference(rawValue: try number(prefix + "tx-ring-ref")),
      receiveRing: GrantReference(rawValue: try number(prefix + "rx-ring-ref")),
      transmitPort: EventChannelPort(rawValue: transmit),
      receivePort: EventChannelPort(rawValue: receive))
  }

  func features() throws(NetRingParametersError) -> Offload.GuestFeatures {
    var features: Offload.GuestFeatures = []
    if try flag("feature-sg") { features.insert(.scatterGather) }
    if try flag("feature-gso-tcpv4") { features.insert(.segmentationOverIPv4) }
    if try flag("feature-gso-tcpv6") { features.insert(.segmentationOverIPv6) }
    if try !flag("feature-no-csum-offload") { features.insert(.checksumOverIPv4) }
    if try flag("feature-ipv6-csum-offload") { features.insert(.checksumOverIPv6) }
    return features
  }
}

/// What is wrong with a frontend's nodes.
enum NetRingParametersError: Error, Equatable, CustomStringConvertible {
  case bad(node: String, value: String?)

  var description: String {
    switch self {
    case .bad(let node, let value):
      // A guest's text goes to logs: no more of it than identifies it.
      "the frontend's '\(node)' is \(value.map { "'\($0.prefix(32))'" } ?? "missing")"
    }
  }
}
