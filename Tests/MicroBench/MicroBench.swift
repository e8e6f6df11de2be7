/// `make bench-micro`: what the ring path costs in nanoseconds a request, without Xen: the shared
/// page is private memory, and the frontend is this loop.
///
/// The last line of the output is one JSON object. Figures of one run compare with each other, not
/// with those of another machine.
@main struct MicroBench {
  /// Each case runs so often, by turns; the median counts.
  static let rounds = 9
  static let requestCount = 1_000_000

  static func main() {
    var nanoseconds = [[Double]](repeating: [], count: RingCase.allCases.count)
    for round in 0...rounds {
      for (index, each) in RingCase.allCases.enumerated() {
        let value = each.nanosecondsPerRequest(requestCount: requestCount)
        // The first round warms up.
        if round > 0 { nanoseconds[index].append(value) }
      }
    }
    var entries: [String] = []
    let off = median(nanoseconds[0])
    for (index, each) in RingCase.allCases.enumerated() {
      let value = median(nanoseconds[index])
      print("\(each.title): \(text(value)) ns a request, \(text(value - off)) more than without")
      entries.append("\"\(each.rawValue)\": \(text(value))")
    }
    print("{\"ring_nanoseconds_per_request\": {\(entries.joined(separator: ", "))}}")
  }

  private static func median(_ values: [Double]) -> Double {
    values.sorted()[values.count / 2]
  }

  private static func text(_ value: Double) -> String {
    let tenths = Int((value * 10).rounded())
    return "\(tenths / 10).\(abs(tenths % 10))"
  }
}
