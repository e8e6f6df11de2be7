/// What the same job reached on our backend and on a peer, by turns.
struct Comparison {
  let job: String
  let unit: String
  let peerName: String
  let ours: [Double]
  let peer: [Double]

  /// Of neighbours in time, as the machine is shared and its speed changes; sorted. Only pairs in
  /// which both reached something.
  var ratios: [Double] {
    zip(ours, peer).compactMap { $0 > 0 && $1 > 0 ? $0 / $1 : nil }.sorted()
  }

  /// A line of the table.
  var text: String {
    let range =
      ratios.isEmpty ? "" : " (\(Self.text(ratios.first)) to \(Self.text(ratios.last)))"
    return "\(job): ours \(Self.text(Self.median(ours))), "
      + "\(peerName) \(Self.text(Self.median(peer))) \(unit), "
      + "ratio \(Self.text(Self.median(ratios)))\(range)"
  }

  /// An object of the report.
  var json: String {
    """
    {"name": "\(job)", "unit": "\(unit)", "peer_name": "\(peerName)", \
    "ours": \(Self.text(Self.median(ours))), "peer": \(Self.text(Self.median(peer))), \
    "ratio": \(Self.text(Self.median(ratios))), \
    "ratio_min": \(Self.text(ratios.first)), "ratio_max": \(Self.text(ratios.last)), \
    "pairs": \(ratios.count)}
    """
  }

  private static func median(_ values: [Double]) -> Double? {
    if values.isEmpty { return nil }
    let sorted = values.sorted()
    let middle = sorted.count / 2
    return sorted.count % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
  }

  private static func text(_ value: Double?) -> String {
    guard let value else { return "null" }
    let hundredths = Int((value * 100).rounded())
    return "\(hundredths / 100).\(hundredths % 100 < 10 ? "0" : "")\(hundredths % 100)"
  }
}
