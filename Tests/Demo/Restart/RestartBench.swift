import Foundation
import XenHost

/// `make bench-restart`: what a guest sees of its backend's deaths, over at least 200 of them for a
/// disk and for a network interface, and what they cost in throughput; and what it sees of the
/// deaths of whole driver domains.
///
/// The last line of its output is one JSON object; `benchmarks/out` gets it too, with a picture of
/// a guest's latency over time. The machine is emulated and shared: the gaps without any death
/// stand beside those with, and throughput is a ratio of runs by turns in the same boot.
struct RestartBench {
  let host: XenHost
  let options: RestartOptions

  /// How long a measurement of throughput runs: with a death every ten seconds there are three.
  static let seconds = 30

  init(on host: XenHost, _ options: RestartOptions) {
    self.host = host
    self.options = options
  }

  /// Runs all parts that are wanted.
  func run() async throws {
    var parts: [String] = []
    let disk = try await DiskDomain(on: host, source: .disk)
    let network = try await NetworkDomain(on: host)
    if options.deaths > 0 {
      let journal = try JournalCost.measure()
      let block = try await BlockRestartBench(self, disk).run()
      let net = try await NetRestartBench(self, network).run()
      parts += ["\"block\": \(block.json)", "\"net\": \(net.json)", "\"journal\": \(journal)"]
    }
    if options.domainDeaths > 0 {
      let domains = try await DomainRestartBench(on: host, deaths: options.domainDeaths)
        .run(disk, network)
      parts.append("\"domains\": \(domains)")
    }
    let json = "{\(parts.joined(separator: ", "))}"
    try Output.save(json + "\n", as: "restart.json")
    Output.say(json)
  }

  /// What `measure` reaches with a death every ten seconds, and every second, relative to none, by
  /// turns.
  func throughput(
    in directory: String, _ measure: () async throws -> Double
  ) async throws -> (everyTenSeconds: Distribution, everySecond: Distribution) {
    var ratios: (tenSeconds: [Double], second: [Double]) = ([], [])
    for _ in 0..<options.rounds {
      let none = try await measure()
      let tenSeconds = try await host.whileDrilling("kill:10000", in: directory, measure)
      let second = try await host.whileDrilling("kill:1000", in: directory, measure)
      ratios.tenSeconds.append(tenSeconds.value / none)
      ratios.second.append(second.value / none)
    }
    return (Distribution(ratios.tenSeconds), Distribution(ratios.second))
  }
}

/// What one kind of backend showed.
struct RestartFigures {
  /// Deaths while gaps were observed.
  var deaths = 0
  /// The longest time between two completions, or two arrivals, in each period with one death.
  var gaps = Distribution([])
  /// The same without a death.
  var undisturbed = Distribution([])
  /// From the signal that kills until init is told of the death.
  var ends = Distribution([])
  /// From a death until a process that had been waiting has its order: what is left of starting.
  var orders = Distribution([])
  /// From the order until the device is taken over.
  var takeovers = Distribution([])
  /// Throughput with a death every ten seconds, and every second, relative to none.
  var everyTenSeconds = Distribution([])
  var everySecond = Distribution([])

  /// Takes the parts of the pauses out of a driver domain's log.
  mutating func readLog(_ log: some StringProtocol) {
    ends = Distribution(Self.values(of: "after-signal-microseconds", in: log))
    orders = Distribution(Self.values(of: "after-death-microseconds", in: log))
    takeovers = Distribution(Self.values(of: "after-order-microseconds", in: log))
  }

  private static func values(of field: String, in log: some StringProtocol) -> [Double] {
    log.split(whereSeparator: { $0 == " " || $0.isNewline }).compactMap { word in
      word.hasPrefix("\(field)=") ? Double(word.dropFirst(field.count + 1)).map { $0 / 1000 } : nil
    }
  }

  var json: String {
    """
    {"deaths": \(deaths), "gap_milliseconds": \(gaps.json), \
    "undisturbed_gap_milliseconds": \(undisturbed.json), \
    "kill_to_death_milliseconds": \(ends.json), \
    "death_to_order_milliseconds": \(orders.json), \
    "order_to_takeover_milliseconds": \(takeovers.json), \
    "throughput_with_death_every_10_s": \(everyTenSeconds.medianJSON), \
    "throughput_with_death_every_1_s": \(everySecond.medianJSON)}
    """
  }

  /// Prints a table.
  func report(_ name: String) {
    print("\(name), \(deaths) deaths, milliseconds:")
    for (what, values) in [
      ("gap", gaps), ("gap without a death", undisturbed), ("kill to death", ends),
      ("death to order", orders),
      ("order to takeover", takeovers),
    ] {
      print("  \(what): \(values.text)")
    }
    print("  throughput, relative to none: a death every 10 s \(everyTenSeconds.text)")
    print("  throughput, relative to none: a death every 1 s \(everySecond.text)")
    fflush(nil)
  }
}
