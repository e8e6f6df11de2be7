import CAllocationCount
import CLinux
import Glibc
import RingTransport

/// A path of ours that is measured by itself: what it costs a request or a packet.
struct Path: Sendable {
  /// What the path belongs to, which is how the report is ordered.
  enum Group: String, CaseIterable, Sendable {
    /// Drain, complete, publish, with and without journal and validation.
    case ring
    /// A disk's whole data path but for grant copy and I/O.
    case block
    /// A network queue's turn but for grant copy and I/O.
    case net

    /// What is counted.
    var unit: String { self == .net ? "packet" : "request" }
  }

  let group: Group
  /// Its name in JSON.
  let key: String
  /// Its name in the table.
  let title: String
  /// How many times the reference loop it may take (`--check`): about three times what it does
  /// take, so that neither another processor nor a busy one makes the check fail.
  let limit: Double
  /// All that there are, the reference first.
  static var all: [Path] {
    [ReferenceLoop.path] + RingCase.paths + BlockPath.paths + NetPath.paths
  }

  /// Does so many of them.
  let run: @Sendable (Int) throws -> Cost
}

/// What one request or packet costs the thread that serves it.
struct Cost {
  var nanoseconds: Double
  var allocations: Double

  /// Runs `body`, which serves `count` of them.
  static func measure(_ count: Int, _ body: () throws -> Void) rethrows -> Cost {
    let allocations = c_allocation_count()
    let start = threadNanoseconds()
    try body()
    let elapsed = threadNanoseconds() - start
    return Cost(
      nanoseconds: Double(elapsed) / Double(count),
      allocations: Double(c_allocation_count() - allocations) / Double(count))
  }
}

/// The paths by turns, so that what else the machine does falls on all of them.
struct PathRun {
  /// In the order of the paths: the median of the times, and the most allocations.
  private(set) var costs: [Cost] = []

  init(_ paths: [Path], rounds: Int, count: Int) throws {
    var times = [[Double]](repeating: [], count: paths.count)
    var allocations = [Double](repeating: 0, count: paths.count)
    // The first round warms up: what is made on first use is made then.
    for round in 0...rounds {
      for (index, path) in paths.enumerated() {
        let cost = try path.run(count)
        if round == 0 { continue }
        times[index].append(cost.nanoseconds)
        allocations[index] = max(allocations[index], cost.allocations)
      }
    }
    for index in paths.indices {
      costs.append(Cost(nanoseconds: median(times[index]), allocations: allocations[index]))
    }
  }
}

/// The processor time of this thread: what others do meanwhile does not count.
private func threadNanoseconds() -> UInt64 {
  var time = timespec()
  // SAFETY: the structure is ours; the call only writes into it.
  unsafe _ = clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
  return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
}

/// The middle value.
func median(_ values: [Double]) -> Double {
  values.sorted()[values.count / 2]
}
