import XenHost

/// Runs jobs on both sides by turns.
struct BenchRunner {
  let host: XenHost
  /// The driver domains, in the order of ``BenchSide``.
  let domains: [Domain]
  let options: BenchOptions

  /// Runs the jobs that are asked for, and prints each as it ends.
  ///
  /// - Returns: for each job its rate, and the driver domain's processor time for its work.
  func run(_ jobs: [BenchJob]) async throws -> [Comparison] {
    var comparisons: [Comparison] = []
    for job in jobs where options.wants(job.name) {
      var rates: [[Double]] = [[], []]
      var costs: [[Double]] = [[], []]
      for pair in 0...options.pairs {
        // The side that begins changes, and the first pair warms up.
        let sides = pair % 2 == 0 ? BenchSide.allCases : BenchSide.allCases.reversed()
        for side in sides {
          let before = try await processorSeconds(of: side)
          let result = try await job.run(side)
          let seconds = try await processorSeconds(of: side) - before
          if pair == 0 { continue }
          rates[side.rawValue].append(result.rate)
          costs[side.rawValue].append(result.work > 0 ? seconds / result.work : 0)
        }
      }
      let both = [
        Comparison(job: job.name, unit: job.unit, ours: rates[0], peer: rates[1]),
        Comparison(
          job: "\(job.name): processor time", unit: "s/\(job.workUnit)", ours: costs[0],
          peer: costs[1]),
      ]
      for comparison in both { Output.say(comparison.text) }
      comparisons += both
    }
    return comparisons
  }

  /// What a driver domain's processors have worked, in seconds, to a tenth.
  private func processorSeconds(of side: BenchSide) async throws -> Double {
    let line = try await host.dom0.check("xl list \(domains[side.rawValue].domid) | tail -n 1")
    return line.split(separator: " ").last.flatMap { Double($0) } ?? 0
  }
}
