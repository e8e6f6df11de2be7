/// A workload with us and without, by turns.
struct Comparison {
  private let load: Workload
  private var raw: [Rate] = []
  private var ours: [WholeBackend.Outcome] = []

  init(_ load: Workload, _ file: BenchFile, rounds: Int, nanoseconds: UInt64) throws {
    self.load = load
    for round in 0..<rounds {
      // Who is first gets the machine as the last one left it.
      if round % 2 == 0 { try runRaw(file, nanoseconds) }
      ours.append(try WholeBackend.run(load, file, nanoseconds: nanoseconds))
      if round % 2 == 1 { try runRaw(file, nanoseconds) }
    }
  }

  private mutating func runRaw(_ file: BenchFile, _ nanoseconds: UInt64) throws {
    raw.append(try RawLoad.run(load, file, nanoseconds: nanoseconds))
  }

  /// Ours of the raw rate in each round.
  private var shares: [Double] {
    zip(ours, raw).map { $0.rate.requestsPerSecond / $1.requestsPerSecond }.sorted()
  }
  private var rawRate: Double { median(raw.map(\.requestsPerSecond)) }
  private var ourRate: Double { median(ours.map(\.rate.requestsPerSecond)) }
  private var rawProcessor: Double { median(raw.map(\.processorNanoseconds)) }
  private var ourProcessor: Double { median(ours.map(\.rate.processorNanoseconds)) }
  /// The most of all rounds.
  private var allocations: Double { ours.map(\.allocationsPerRequest).max() ?? 0 }

  /// For people.
  var line: String {
    let least = Report.ratio(shares.first ?? 0)
    let most = Report.ratio(shares.last ?? 0)
    return "whole backend: \(load.title): \(Int(ourRate)) of \(Int(rawRate)) IOPS, "
      + "\(Report.ratio(median(shares))) (\(least) to \(most)); "
      + "processor \(Int(ourProcessor)) and \(Int(rawProcessor)) ns a request, "
      + "\(Report.ratio(allocations)) allocations"
  }

  /// For programs.
  var json: String {
    "\"\(load.key)\": {\"iops\": \(Int(ourRate)), \"raw_iops\": \(Int(rawRate)), "
      + "\"share\": \(Report.ratio(median(shares))), "
      + "\"share_least\": \(Report.ratio(shares.first ?? 0)), "
      + "\"share_most\": \(Report.ratio(shares.last ?? 0)), "
      + "\"processor_nanoseconds\": \(Int(ourProcessor)), "
      + "\"raw_processor_nanoseconds\": \(Int(rawProcessor)), "
      + "\"allocations\": \(Report.ratio(allocations))}"
  }
}
