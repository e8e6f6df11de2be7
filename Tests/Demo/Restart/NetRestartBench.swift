import XenHost

/// The network's part of ``RestartBench``: a datagram each four milliseconds from one guest to
/// another, and TCP between them. A frame passes two backends, which die by turns.
struct NetRestartBench {
  /// One death in each, of either backend.
  private static let periodMilliseconds = 1000
  private static let address = "192.0.2.2"

  private let bench: RestartBench
  private var host: XenHost { bench.host }
  private let network: NetworkDomain

  init(_ bench: RestartBench, _ network: NetworkDomain) {
    self.bench = bench
    self.network = network
  }

  func run() async throws -> RestartFigures {
    var guests: [Domain] = []
    for number in 1...2 {
      let guest = try await host.startGuest(
        .guest(
          "restart-net\(number)", disks: number == 2 ? [DiskDomain.tools] : [],
          interfaces: [network.insideInterface(number)]))
      try await guest.check(
        "ip link set eth0 up && ip addr add 192.0.2.\(number)/24 dev eth0")
      guests.append(guest)
    }
    try await DiskDomain.mountTools(in: guests[1])
    try await guests[1].serveIperf()

    var figures = RestartFigures()
    let seconds = bench.options.deaths * Self.periodMilliseconds / 1000
    figures.undisturbed = Distribution(try await gaps(guests, seconds: seconds / 4))
    let logBefore = network.domain.consoleLog.count
    let (gaps, restarts) = try await host.whileDrilling(
      "kill:\(Self.periodMilliseconds)", in: network.directory
    ) {
      try await self.gaps(guests, seconds: seconds + 2)
    }
    figures.gaps = Distribution(gaps)
    figures.deaths = restarts
    figures.readLog(network.domain.consoleLog.dropFirst(logBefore))
    (figures.everyTenSeconds, figures.everySecond) = try await bench.throughput(
      in: network.directory
    ) { try await bitsPerSecond(of: guests[0]) }
    figures.report("network")
    for guest in guests { try await guest.shutdown() }
    return figures
  }

  /// The longest time between two arrivals in each period, in milliseconds, by the clock of the
  /// receiving kernel.
  private func gaps(_ guests: [Domain], seconds: Int) async throws -> [Double] {
    try await guests[1].startObserving(
      "udp and dst port 5201",
      script: """
        {
          if (NR == 1) start = $1
          period = int(($1 - start) * 1000 / \(Self.periodMilliseconds))
          if (NR > 1 && $1 - last > longest[period]) longest[period] = $1 - last
          last = $1
        } END { for (period in longest) print longest[period] * 1000 }
        """)
    _ = try await guests[0].iperf(
      to: Self.address, options: "-u -l 64 -b 128K", seconds: seconds)
    let text = try await guests[1].endObservation()
    return text.split(separator: "\n").compactMap { Double($0) }
  }

  /// What TCP moves.
  private func bitsPerSecond(of guest: Domain) async throws -> Double {
    try await guest.iperf(to: Self.address, options: "", seconds: RestartBench.seconds)
      .receivedBitsPerSecond
  }
}
