import Foundation
import XenHost

/// `make bench`: our backends against Linux's own, on the same host in the same boot: the same
/// guests, disks and cards of the same kind, driver domains with as much memory and as many
/// processors, and the same build of Linux, which has Linux's backends built in on the peer's side.
///
/// The machine is emulated and shared: only the ratios mean something. They are in
/// `benchmarks/out/report.json` too.
enum Bench {
  /// Where the report goes.
  static let directory = "benchmarks/out"

  static func run(on host: XenHost, _ options: BenchOptions) async throws {
    var comparisons: [Comparison] = []
    if options.wantsAny(of: BlockBench.jobNames) {
      comparisons += try await BlockBench.run(on: host, options)
    }
    if options.wantsAny(of: NetBench.jobNames) {
      comparisons += try await NetBench.run(on: host, options)
    }
    try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
    let json = "[\(comparisons.map(\.json).joined(separator: ",\n "))]"
    try Data((json + "\n").utf8).write(to: URL(filePath: "\(directory)/report.json"))
    print(json)
  }
}

/// Prints a line at once, also into a file.
func say(_ text: String) {
  print(text)
  fflush(nil)
}
