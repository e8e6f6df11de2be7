import RingTransport

/// Where the frontend says that its ring is. Every value is a hostile guest's word.
struct RingParameters: Sendable, Equatable {
  let abi: BlockABI
  /// The ring's pages in order.
  let references: [GrantReference]
  /// The port that the frontend allocated for us.
  let port: EventChannelPort

  /// Nodes of the frontend's directory that ``init(values:)`` wants, in its order.
  static let nodes =
    ["protocol", "event-channel", "multi-queue-num-queues", "ring-page-order", "ring-ref"]
    + (0..<(1 << BlockFeatures.largestRingPageOrder)).map { "ring-ref\($0)" }

  /// Judges the nodes' values; nil stands for a node that is not there.
  init(values: [String?]) throws(RingParametersError) {
    precondition(values.count == Self.nodes.count)
    guard let abi = BlockABI(protocolNode: values[0]) else {
      throw .bad(node: "protocol", value: values[0])
    }
    self.abi = abi
    port = EventChannelPort(rawValue: try Self.number(values[1], node: "event-channel"))
    let queues = try values[2].map { text throws(RingParametersError) in
      try Self.number(text, node: "multi-queue-num-queues")
    }
    guard queues ?? 1 == 1 else {
      throw .bad(node: "multi-queue-num-queues", value: values[2])
    }
    let order = try values[3].map { text throws(RingParametersError) in
      try Self.number(text, node: "ring-page-order")
    }
    guard let order, order > 0 else {
      // One page: `ring-ref`, or a list of one.
      let text = values[4] ?? values[5]
      references = [GrantReference(rawValue: try Self.number(text, node: "ring-ref"))]
      return
    }
    guard order <= UInt32(BlockFeatures.largestRingPageOrder) else {
      throw .bad(node: "ring-page-order", value: values[3])
    }
    var references: [GrantReference] = []
    for page in 0..<(1 << Int(order)) {
      references.append(
        GrantReference(rawValue: try Self.number(values[5 + page], node: "ring-ref\(page)")))
    }
    self.references = references
  }

  private static func number(
    _ text: String?, node: String
  ) throws(RingParametersError) -> UInt32 {
    guard let text, let number = UInt32(text) else { throw .bad(node: node, value: text) }
    return number
  }
}

/// What is wrong with a frontend's nodes.
enum RingParametersError: Error, Equatable, CustomStringConvertible {
  case bad(node: String, value: String?)

  var description: String {
    switch self {
    case .bad(let node, let value):
      // A guest's text goes to logs: no more of it than identifies it.
      "the frontend's '\(node)' is \(value.map { "'\($0.prefix(32))'" } ?? "missing")"
    }
  }
}
