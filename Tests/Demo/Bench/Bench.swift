import XenHost

/// `make bench`: our backends against Linux's own, and QEMU's for disks, on the same host in the
/// same boot: the same guests, disks and cards of the same kind, driver domains with as much memory
/// and as many processors, and the same build of Linux, which has Linux's backends built in on the
/// peers' side.
///
/// The machine is emulated and shared: only the ratios mean something. They are in
/// `benchmarks/out/report.json` too.
enum Bench {
  static func run(on host: XenHost, _ options: BenchOptions) async throws {
    var comparisons: [Comparison] = []
    // Also for networks alone: their guests have the tools from it.
    let disk = try await DiskDomain(on: host, memory: BlockBench.memory)
    if options.wantsAny(of: BlockBench.jobNames) {
      comparisons += try await BlockBench.run(on: host, ours: disk, options)
    }
    if options.wantsAny(of: NetBench.jobNames) {
      comparisons += try await NetBench.run(on: host, options)
    }
    let json = "[\(comparisons.map(\.json).joined(separator: ",\n "))]"
    try Output.save(json + "\n", as: "report.json")
    Output.say(json)
  }
}
