/// What the same job reached on our backend and on the peer, by turns.
struct Comparison {
  let ours: [Double]
  let peer: [Double]

  init(_ ours: [Double], _ peer: [Double]) {
    self.ours = ours
    self.peer = peer
  }

  /// Prints a line, and returns it as a JSON object.
  func report(_ job: String, _ unit: String, _ peerName: String) -> String {
    // Of neighbours in time, as the machine is shared and its speed changes.
    let ratios = zip(ours, peer).map { $1 > 0 ? $0 / $1 : 0 }.sorted()
    let own = Int(Self.median(ours))
    let other = Int(Self.median(peer))
    print(
      "\(job): ours \(own), \(peerName) \(other) \(unit), ratio \(Self.text(Self.median(ratios))) "
        + "(\(Self.text(ratios.first)) to \(Self.text(ratios.last)))")
    return "{\"job\": \"\(job)\", \"unit\": \"\(unit)\", \"ours\": \(own), "
      + "\"\(peerName)\": \(other), \"ratio\": \(Self.text(Self.median(ratios)))}"
  }

  private static func median(_ values: [Double]) -> Double {
    values.isEmpty ? 0 : values.sorted()[values.count / 2]
  }

  private static func text(_ value: Double?) -> String {
    let hundredths = Int(((value ?? 0) * 100).rounded())
    return "\(hundredths / 100).\(hundredths % 100 < 10 ? "0" : "")\(hundredths % 100)"
  }
}
