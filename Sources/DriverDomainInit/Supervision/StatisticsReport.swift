import RingTransport

/// What backends have done since the domain started, as Dom0 asks for it: it writes any text into
/// `data/driver-domain/report`, and finds the same text in `reported` when the sums below
/// `statistics` are newer than its question.
///
/// Asked for, and not told all the time: nodes that change every second cost Dom0 more than they
/// are worth when nobody looks.
struct StatisticsReport: Equatable {
  /// The text that Dom0 wrote.
  let question: String
  /// The sums of each device's status page; what each is says the backend.
  let sums: [BackendLeaf: [UInt64]]

  /// Where Dom0 asks.
  static let questionNode: XenStorePath = "data/driver-domain/report"
  /// Any text that tells two questions apart is shorter.
  static let questionByteCountMax = 64
  /// As of restarts: a domain may own 1000 nodes by default.
  static let deviceCountMax = 64

  /// - Returns: nil when the text is no question.
  init?(question: String, sums: [BackendLeaf: [UInt64]]) {
    guard !question.isEmpty, question.utf8.count <= Self.questionByteCountMax else { return nil }
    self.question = question
    self.sums = sums
  }

  /// The nodes below `data/driver-domain`: sixteen numbers for each device.
  var nodes: [String: String] {
    var nodes = ["reported": question]
    for leaf in sums.keys.sorted().prefix(Self.deviceCountMax) {
      let name = "\(leaf.kind.rawValue)-\(leaf.frontendDomain)-\(leaf.device)"
      nodes["statistics/\(name)"] = (sums[leaf] ?? []).map(String.init).joined(separator: " ")
    }
    return nodes
  }
}
