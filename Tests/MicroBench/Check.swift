import RingTransport
import SystemPackage

/// `--check`, for `make test`: the properties that a change must not lose. No time of the clock is
/// judged, as nobody knows what else the machine has to do.
enum Check {
  /// Rounds of which the median counts, and requests in each.
  private static let rounds = 7
  private static let count = 100_000

  /// - Returns: whether all is as it should be.
  static func run() throws -> Bool {
    let paths = Path.all
    let costs = try PathRun(paths, rounds: rounds, count: count).costs
    Report.print(paths, costs)
    var failures: [String] = []
    let reference = Report.reference(paths, costs) ?? 1
    for (path, cost) in zip(paths, costs) {
      if cost.allocations > 0 {
        failures.append("\(path.key): \(cost.allocations) allocations a \(path.group.unit)")
      }
      let ratio = cost.nanoseconds / reference
      if ratio > path.limit {
        failures.append(
          "\(path.key): \(Report.text(ratio)) times the bytes alone; \(path.limit) are allowed")
      }
    }
    failures += try checkWhole()
    for failure in failures { print("MicroBench: \(failure)") }
    return failures.isEmpty
  }

  /// That a whole backend allocates nothing for a request.
  private static func checkWhole() throws -> [String] {
    guard hasRings else {
      print("skipped: no io_uring here")
      return []
    }
    let load = Workload.all[0]
    let outcome = try WholeBackend.run(load, try BenchFile(), nanoseconds: 300_000_000)
    print("whole backend: \(outcome.allocationsPerRequest) allocations a request")
    guard outcome.allocationsPerRequest > 0 else { return [] }
    return ["whole backend: \(outcome.allocationsPerRequest) allocations a request"]
  }

  private static var hasRings: Bool {
    do throws(Errno) {
      let wake = try WakeUp()
      _ = try EventLoop(eventDescriptor: wake.descriptor, xenStoreDescriptor: nil)
      return true
    } catch {
      return false
    }
  }
}
