import Foundation
import XenHost

/// `make bench-restart`: what a guest sees of its backend's deaths, over at least 200 of them for a
/// disk and for a network interface, and what they cost in throughput.
///
/// The last line of its output is one JSON object; `benchmarks/out` gets it too, with a picture of
/// a guest's latency over time. The machine is emulated and shared: the gaps without any death
/// stand beside those with, and throughput is a ratio of runs by turns in the same boot.
enum RestartBench {
  /// Deaths of each kind of backend, for the gaps; `Demo restart DEATHS ROUNDS` takes others.
  static let deaths = argument(2) ?? 220
  /// How often each throughput is measured.
  static let rounds = argument(3) ?? 3
  /// How long a measurement of throughput runs: with a death every ten seconds there are three.
  static let seconds = 30

  /// What `measure` reaches with a death every ten seconds, and every second, relative to none, by
  /// turns.
  static func throughput(
    on host: XenHost, in directory: String, _ measure: () async throws -> Double
  ) async throws -> (everyTenSeconds: Distribution, everySecond: Distribution) {
    var ratios: (tenSeconds: [Double], second: [Double]) = ([], [])
    for _ in 0..<rounds {
      let none = try await measure()
      let tenSeconds = try await host.whileDrilling("kill:10000", in: directory, measure)
      let second = try await host.whileDrilling("kill:1000", in: directory, measure)
      ratios.tenSeconds.append(tenSeconds.value / none)
      ratios.second.append(second.value / none)
    }
    return (Distribution(ratios.tenSeconds), Distribution(ratios.second))
  }

  private static func argument(_ index: Int) -> Int? {
    CommandLine.arguments.count > index ? Int(CommandLine.arguments[index]) : nil
  }

  /// Runs all parts.
  static func run(on host: XenHost) async throws {
    let journal = try JournalCost.measure()
    let disk = try await DiskDomain(on: host)
    let block = try await BlockRestartBench(on: host, disk).run()
    let network = try await NetworkDomain(on: host)
    let net = try await NetRestartBench(on: host, network).run()
    let json = "{\"block\": \(block.json), \"net\": \(net.json), \"journal\": \(journal)}"
    try Output.save(json + "\n", as: "restart.json")
    Output.say(json)
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
  /// From a death until a process that had been waiting has its order: what is left of starting.
  var orders = Distribution([])
  /// From the order until the device is taken over.
  var takeovers = Distribution([])
  /// Throughput with a death every ten seconds, and every second, relative to none.
  var everyTenSeconds = Distribution([])
  var everySecond = Distribution([])

  /// Takes the parts of the pauses out of a driver domain's log.
  mutating func readLog(_ log: some StringProtocol) {
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
      ("gap", gaps), ("gap without a death", undisturbed), ("death to order", orders),
      ("order to takeover", takeovers),
    ] {
      print("  \(what): \(values.text)")
    }
    print("  throughput, relative to none: a death every 10 s \(everyTenSeconds.text)")
    print("  throughput, relative to none: a death every 1 s \(everySecond.text)")
    fflush(nil)
  }
}

/// Values, and what to tell of them.
struct Distribution {
  private let sorted: [Double]

  init(_ values: [Double]) { sorted = values.sorted() }

  /// The value below which a part of all lie, of 0 to 1.
  func quantile(_ part: Double) -> Double {
    guard let last = sorted.last else { return 0 }
    let place = Int((part * Double(sorted.count)).rounded(.up)) - 1
    return place < sorted.count ? sorted[max(place, 0)] : last
  }

  var json: String {
    "{\"p50\": \(Self.text(quantile(0.5))), \"p99\": \(Self.text(quantile(0.99))), "
      + "\"max\": \(Self.text(quantile(1))), \"count\": \(sorted.count)}"
  }

  /// The median with the extremes, for few values.
  var medianJSON: String {
    "{\"median\": \(Self.text(quantile(0.5))), \"min\": \(Self.text(sorted.first ?? 0)), "
      + "\"max\": \(Self.text(quantile(1)))}"
  }

  var text: String {
    "p50 \(Self.text(quantile(0.5))), p99 \(Self.text(quantile(0.99))), "
      + "min \(Self.text(sorted.first ?? 0)), max \(Self.text(quantile(1))), \(sorted.count) values"
  }

  private static func text(_ value: Double) -> String {
    String(format: "%.2f", value)
  }
}
