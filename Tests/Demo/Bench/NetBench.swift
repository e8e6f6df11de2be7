import XenHost

/// The network's part of ``Bench``: guests that have an interface from each of the two domains.
///
/// Where one end is not a guest it is the driver domain itself, with an address of its own on its
/// bridge: QEMU's network behind the cards is slower than either backend.
struct NetBench {
  /// As much for either driver domain, in MiB.
  private static let memory = 320
  private static let pingCount = 300

  private let guests: [Domain]
  /// Addresses on both sides, in the order of ``BenchSide``.
  private let guestAddresses: [[String]]
  private let domainAddresses: [String]
  private let seconds: Int

  private static let names = (
    fromGuest: "net TCP from the guest", toGuest: "net TCP to the guest",
    between: "net TCP guest to guest", bidirectional: "net TCP guest to guest, both ways",
    both: "net TCP from two guests at once", packetsFrom: "net UDP 64 bytes from the guest",
    packetsTo: "net UDP 64 bytes to the guest", packetsBetween: "net UDP 64 bytes guest to guest",
    latency: "net request and response"
  )
  static let jobNames = [
    names.fromGuest, names.toGuest, names.between, names.bidirectional, names.both,
    names.packetsFrom, names.packetsTo, names.packetsBetween, names.latency,
  ]

  static func run(on host: XenHost, _ options: BenchOptions) async throws -> [Comparison] {
    let networks: [any NetworkBackendDomain] = [
      try await NetworkDomain(on: host, hasSink: true),
      try await LinuxNetworkDomain(on: host, image: .peer, memory: memory),
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
    let runner = BenchRunner(host: host, domains: networks.map(\.domain), options: options)
    let comparisons = try await runner.run(bench.jobs)
    for guest in guests { try await guest.destroy() }
    return comparisons
  }

  private var jobs: [BenchJob] {
    let datagrams = "-u -l 64 -b 0"
    return [
      stream(Self.names.fromGuest) { domainAddresses[$0] },
      stream(Self.names.toGuest, "-R") { domainAddresses[$0] },
      stream(Self.names.between) { guestAddresses[$0][1] },
      stream(Self.names.bidirectional, "--bidir") { guestAddresses[$0][1] },
      job(Self.names.both, "Mbit/s", "GiB") { try await fromBoth($0) },
      packets(Self.names.packetsFrom, datagrams) { domainAddresses[$0] },
      packets(Self.names.packetsTo, datagrams + " -R") { domainAddresses[$0] },
      packets(Self.names.packetsBetween, datagrams) { guestAddresses[$0][1] },
      job(Self.names.latency, "exchanges/s", "million packets") { try await exchange($0) },
    ]
  }

  private func job(
    _ name: String, _ unit: String, _ workUnit: String,
    _ run: @escaping @Sendable (Int) async throws -> BenchResult
  ) -> BenchJob {
    BenchJob(name: name, unit: unit, workUnit: workUnit) { try await run($0.rawValue) }
  }

  private func stream(
    _ name: String, _ options: String = "", to address: @escaping @Sendable (Int) -> String
  ) -> BenchJob {
    job(name, "Mbit/s", "GiB") { side in
      let report = try await guests[0].iperf(
        to: address(side), options: options, seconds: seconds)
      return Self.streamed(report.receivedBitsPerSecond, seconds)
    }
  }

  private static func streamed(_ bitsPerSecond: Double, _ seconds: Int) -> BenchResult {
    BenchResult(
      rate: bitsPerSecond / 1e6, work: bitsPerSecond / 8 * Double(seconds) / Double(1 << 30))
  }

  private func packets(
    _ name: String, _ options: String, to address: @escaping @Sendable (Int) -> String
  ) -> BenchJob {
    job(name, "packets/s", "million packets") { side in
      let report = try await guests[0].iperf(
        to: address(side), options: options, seconds: seconds)
      let rate = report.receivedPacketsPerSecond
      return BenchResult(rate: rate, work: rate * Double(seconds) / 1e6)
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
