import Glibc

/// `make bench-micro`: what our own code costs, without Xen.
///
/// The last line of the output is one JSON object. Figures of one run compare with each other, not
/// with those of another machine.
@main struct MicroBench {
  /// Each path and each workload runs so often, by turns; the median counts.
  private static let rounds = 9
  /// Requests or packets of a round.
  private static let count = 300_000

  static func main() throws {
    let arguments = Array(CommandLine.arguments.dropFirst())
    switch arguments.first {
    case nil: try measure()
    case "--check": exit(try Check.run() ? 0 : 1)
    case "--whole": print("{\(try wholes())}")
    default: try show(arguments)
    }
  }

  /// Everything.
  private static func measure() throws {
    let paths = Path.all
    let costs = try PathRun(paths, rounds: rounds, count: count).costs
    Report.print(paths, costs)
    let json = Report.json(paths, costs) + [try wholes()]
    print("{\(json.joined(separator: ", "))}")
  }

  /// Some groups or paths alone.
  private static func show(_ names: [String]) throws {
    let paths = Path.all.filter { names.contains($0.group.rawValue) || names.contains($0.key) }
    guard !paths.isEmpty else {
      print("usage: MicroBench [--check | --whole | GROUP-OR-PATH...]")
      for path in Path.all { print("  \(path.group) \(path.key)") }
      exit(2)
    }
    let costs = try PathRun(paths, rounds: rounds, count: count).costs
    Report.print(paths, costs)
    print("{\(Report.json(paths, costs).joined(separator: ", "))}")
  }

  /// Whole backends and the raw load by turns.
  private static func wholes() throws -> String {
    let file = try BenchFile()
    var entries: [String] = []
    for load in Workload.all {
      let comparison = try Comparison(
        load, file, rounds: rounds, nanoseconds: 1_000_000_000)
      print(comparison.line)
      entries.append(comparison.json)
    }
    return "\"whole_backend\": {\(entries.joined(separator: ", "))}"
  }
}
