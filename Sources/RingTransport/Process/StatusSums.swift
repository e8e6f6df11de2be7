/// Passes counters of a process on to the sums of its status page, which go on over restarts.
///
/// One thread uses an instance; several may share the page.
public struct StatusSums: Sendable {
  private let page: StatusPage
  private var known = InlineArray<16, UInt64>(repeating: 0)

  /// Nothing has been passed on.
  public init(_ page: StatusPage) {
    self.page = page
  }

  /// Passes on by how much each counter has grown. One that is smaller than before has begun anew.
  public mutating func report(_ values: InlineArray<16, UInt64>) {
    for index in 0..<StatusLayout.statisticCount where values[index] != known[index] {
      let growth = values[index] > known[index] ? values[index] - known[index] : values[index]
      page.add(growth, toStatistic: index)
      known[index] = values[index]
    }
  }
}
