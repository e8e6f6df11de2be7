import XenHost

/// The network's part of ``Bench``: guests that have an interface from each of the two domains.
///
/// Where one end is not a guest it is the driver domain itself, with an address of its own on its
/// bridge: QEMU's network behind the cards is slower than either backend.
struct NetBench {
  private static let pingCount = 300

  private let guests: [Domain]
  /// Addresses on both sides, in the order of ``BenchSide``.
  private let guestAddresses: [[String]]
  private let domainAddresses: [String]
  private let seconds: Int

  /// A job, on the side with this number.
  private struct Load {
    let name: String
    let unit: String
    let workUnit: String
    let measure: @Sendable (NetBench, Int) async throws -> BenchResult
  }

  private static let loads = [
    stream("from the guest") { $0.domainAddresses[$1] },
    stream("to the guest", "-R") { $0.domainAddresses[$1] },
    stream("guest to guest") { $0.guestAddresses[$1][1] },
    stream("guest to guest, both ways", "--bidir") { $0.guestAddresses[$1][1] },
    Load(name: "net TCP from two guests at once", unit: "Mbit/s", workUnit: "GiB") {
      try await $0.fromBoth($1)
    },
    packets("from the guest") { $0.domainAddresses[$1] },
    packets("to the guest", "-R") { $0.domainAddresses[$1] },
    packets("guest to guest") { $0.guestAddresses[$1][1] },
    Load(name: "net request and response", unit: "exchanges/s", workUnit: "million packets") {
      try await $0.exchange($1)
    },
  ]

  /// The names of all jobs.
  static let jobNames = loads.map(\.name)

  static func run(on host: XenHost, _ options: BenchOptions) async throws -> [Comparison] {
    let networks: [any NetworkBackendDomain] = [
      try await NetworkDomain(on: host, hasSink: true),
      try await LinuxNetworkDomain(on: host, asPeerWith: NetworkDomain.memoryWithSink),
    ]
    let guests = try await host.startGuests(
      (1...2).map { number in
        .guest("net-bench\(number)", interfaces: networks.map { $0.interface(number) })
      })
    // The guests' interfaces are in the order of their configuration.
    var guestAddresses: [[String]] = []
    var domainAddresses: [String] = []
    for (index, network) in networks.enumerated() {
      var addresses: [String] = []
      for guest in guests {
        addresses.append(try await guest.requestAddress(on: "eth\(index)"))
      }
      guestAddresses.append(addresses)
      domainAddresses.append(try await network.ownAddress())
    }
    try await guests[1].serveIperf()
    let bench = NetBench(
      guests: guests, guestAddresses: guestAddresses, domainAddresses: domainAddresses,
      seconds: options.seconds)
    let runner = BenchRunner(
      host: host, sides: Array(zip([.ours, .linux], networks.map(\.domain))), options: options)
    let comparisons = try await runner.run(
      loads.map { load in
        BenchJob(name: load.name, unit: load.unit, workUnit: load.workUnit) { side in
          try await load.measure(bench, side.rawValue)
        }
      })
    for guest in guests { try await guest.destroy() }
    return comparisons
  }

  private static func stream(
    _ name: String, _ options: String = "",
    to address: @escaping @Sendable (NetBench, Int) -> String
  ) -> Load {
    Load(name: "net TCP \(name)", unit: "Mbit/s", workUnit: "GiB") { bench, side in
      let report = try await bench.guests[0].iperf(
        to: address(bench, side), options: options, seconds: bench.seconds)
      return streamed(report.receivedBitsPerSecond, bench.seconds)
    }
  }

  private static func streamed(_ bitsPerSecond: Double, _ seconds: Int) -> BenchResult {
    BenchResult(
      rate: bitsPerSecond / 1e6, work: bitsPerSecond / 8 * Double(seconds) / Double(1 << 30))
  }

  private static func packets(
    _ name: String, _ options: String = "",
    to address: @escaping @Sendable (NetBench, Int) -> String
  ) -> Load {
    Load(
      name: "net UDP 64 bytes \(name)", unit: "packets/s", workUnit: "million packets"
    ) { bench, side in
      let report = try await bench.guests[0].iperf(
        to: address(bench, side), options: "-u -l 64 -b 0 \(options)", seconds: bench.seconds)
      let rate = report.receivedPacketsPerSecond
      return BenchResult(rate: rate, work: rate * Double(bench.seconds) / 1e6)
    }
  }

  /// One guest sends to the driver domain while another sends to the first.
  private func fromBoth(_ side: Int) async throws -> BenchResult {
    async let first = guests[0].iperf(
      to: domainAddresses[side], options: "", seconds: seconds)
    async let second = guests[0].iperf(
      to: guestAddresses[side][1], options: "-R", seconds: seconds)
    return Self.streamed(
      try await first.receivedBitsPerSecond + second.receivedBitsPerSecond, seconds)
  }

  /// A question at a time, each as soon as the last one was answered: `ping -A` between guests.
  private func exchange(_ side: Int) async throws -> BenchResult {
    let output = try await guests[0].check(
      "ping -q -A -c \(Self.pingCount) \(guestAddresses[side][1])", timeout: .seconds(300))
    // "round-trip min/avg/max = 0.512/0.731/3.204 ms"
    let times = output.split(separator: "=").last?.split(separator: "/") ?? []
    let milliseconds = times.count > 1 ? Double(times[1]) ?? 0 : 0
    return BenchResult(
      rate: milliseconds > 0 ? 1000 / milliseconds : 0, work: Double(2 * Self.pingCount) / 1e6)
  }
}
