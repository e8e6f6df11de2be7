import XenHost

/// The network's part of ``Bench``: guests that have an interface from each of the two domains.
///
/// Where one end is not a guest it is the driver domain itself, with an address of its own on its
/// bridge: QEMU's network behind the cards is slower than either backend.
struct NetBench {
  private static let exchangePort = 5202
  private static let exchangeByteCount = 64
  private static let exchangesPerSecond = 200

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

  /// The disk domain serves the guests' tools.
  static func run(on host: XenHost, _ options: BenchOptions) async throws -> [Comparison] {
    let networks: [any NetworkBackendDomain] = [
      try await NetworkDomain(on: host, hasSink: true),
      try await LinuxNetworkDomain(on: host, asPeerWith: NetworkDomain.memoryWithSink),
    ]
    let guests = try await host.startGuests(
      (1...2).map { number in
        .guest(
          "net-bench\(number)", disks: [DiskDomain.tools],
          interfaces: networks.map { $0.interface(number) })
      })
    for guest in guests { try await DiskDomain.mountTools(in: guest) }
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

  /// A question at a time over one TCP connection between guests, each as soon as the last one was
  /// answered.
  private func exchange(_ side: Int) async throws -> BenchResult {
    let count = Self.exchangesPerSecond * seconds
    let fio = """
      /tools/fio/fio --minimal --name=exchange --ioengine=net --protocol=tcp --nodelay=1 \
        --pingpong=1 --port=\(Self.exchangePort) --bs=\(Self.exchangeByteCount) \
        --size=\(count * Self.exchangeByteCount)
      """
    try await guests[1].check("\(fio) --listen --rw=read >/exchange.log 2>&1 </dev/null &")
    try await guests[1].waitForListener(Self.exchangePort)
    let output = try await guests[0].check(
      "\(fio) --hostname=\(guestAddresses[side][1]) --rw=write", timeout: .seconds(300))
    return BenchResult(
      rate: try FioReport(terse: output).requestsPerSecond, work: Double(2 * count) / 1e6)
  }
}
