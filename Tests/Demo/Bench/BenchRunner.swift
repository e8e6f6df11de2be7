import XenHost

/// Runs jobs on all sides by turns.
struct BenchRunner {
  let host: XenHost
  /// The sides, ours among them, each with its driver domain, which peers may share.
  let sides: [(side: BenchSide, domain: Domain)]
  let options: BenchOptions

  /// Runs the jobs that are asked for, and prints each as it ends.
  ///
  /// - Returns: for each job and peer its rate, and its domain's processor time for the work.
  func run(_ jobs: [BenchJob]) async throws -> [Comparison] {
    var comparisons: [Comparison] = []
    for job in jobs where options.wants(job.name) {
      var rates: [BenchSide: [Double]] = [:]
      var costs: [BenchSide: [Double]] = [:]
      for round in 0...options.pairs {
        for turn in sides.indices {
          // The side that begins changes, and the first round warms up.
          let (side, domain) = sides[(round + turn) % sides.count]
          let before = try await processorSeconds(of: domain)
          let result = try await job.run(side)
          let seconds = try await processorSeconds(of: domain) - before
          if round == 0 { continue }
          rates[side, default: []].append(result.rate)
          costs[side, default: []].append(result.work > 0 ? seconds / result.work : 0)
        }
      }
      for (peer, _) in sides where peer != .ours {
        let both = [
          Comparison(
            job: job.name, unit: job.unit, peerName: "\(peer)", ours: rates[.ours] ?? [],
            peer: rates[peer] ?? []),
          Comparison(
            job: "\(job.name): processor time", unit: "s/\(job.workUnit)", peerName: "\(peer)",
            ours: costs[.ours] ?? [], peer: costs[peer] ?? []),
        ]
        for comparison in both { Output.say(comparison.text) }
        comparisons += both
      }
    }
    return comparisons
  }

  /// What a driver domain's processors have worked, in seconds, to a tenth.
  private func processorSeconds(of domain: Domain) async throws -> Double {
    let line = try await host.dom0.check("xl list \(domain.domid) | tail -n 1")
    return line.split(separator: " ").last.flatMap { Double($0) } ?? 0
  }
}
