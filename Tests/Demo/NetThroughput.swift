import XenHost

/// `make throughput`, the network's part: two guests, each with one interface of our driver domain
/// and one of a driver domain with Linux's own xen-netback, both behind a passed-through card of
/// the same kind, the same jobs on both by turns in the same boot.
///
/// The machine is emulated and shared: only the ratios mean something.
enum NetThroughput {
  /// How often each job runs on each side.
  static let rounds = 3
  /// How long a job of iperf3 runs.
  static let seconds = 4
  /// What a job with the outside moves. QEMU's network is the slower part of it.
  static let outsideMebibytes = 8

  /// One of the two backends, as the guests see it.
  struct Side {
    let network: any NetworkBackendDomain
    /// The second guest's address on it.
    let address: String
  }

  /// A job, and what its number counts.
  struct Job {
    let name: String
    let unit: String
    let measure: @Sendable (Domain, Side) async throws -> Double
  }

  /// Runs all jobs and prints a table and one JSON object.
  static func run(on host: XenHost) async throws {
    let networks: [any NetworkBackendDomain] = [
      try await NetworkDomain(on: host), try await LinuxNetworkDomain(on: host),
    ]
    var guests: [Domain] = []
    for number in 1...2 {
      guests.append(
        try await host.startGuest(
          .guest(
            "net-bench\(number)", memory: 192,
            interfaces: networks.map { $0.interface(number) })))
    }
    // The guest's interfaces are in the order of its configuration.
    var sides: [Side] = []
    for (number, network) in networks.enumerated() {
      _ = try await guests[0].requestAddress(on: "eth\(number)")
      sides.append(
        Side(
          network: network, address: try await guests[1].requestAddress(on: "eth\(number)")))
    }
    try await guests[1].serveIperf()
    let sink = try OutsideServer(running: "sh", ["-c", "cat >/dev/null"])
    let source = try OutsideServer(
      running: "head", ["-c", "\(outsideMebibytes << 20)", "/dev/zero"])
    defer {
      sink.stop()
      source.stop()
    }
    var entries: [String] = []
    for job in jobs(sinkPort: sink.port, sourcePort: source.port) {
      var results: (ours: [Double], peer: [Double]) = ([], [])
      for round in 0...rounds {
        let own = try await job.measure(guests[0], sides[0])
        let other = try await job.measure(guests[0], sides[1])
        // The first pair warms up.
        if round > 0 {
          results.ours.append(own)
          results.peer.append(other)
        }
      }
      entries.append(Comparison(results.ours, results.peer).report(job.name, job.unit, "netback"))
    }
    print("[\(entries.joined(separator: ", "))]")
    for guest in guests { try await guest.destroy() }
  }

  private static func jobs(sinkPort: Int, sourcePort: Int) -> [Job] {
    [
      Job(name: "TCP guest to guest", unit: "Mbit/s") { guest, side in
        try await guest.iperf(to: side.address, options: "", seconds: seconds)
          .receivedBitsPerSecond / 1e6
      },
      Job(name: "TCP guest to guest, both ways", unit: "Mbit/s") { guest, side in
        try await guest.iperf(to: side.address, options: "-P 2 --bidir", seconds: seconds)
          .receivedBitsPerSecond / 1e6
      },
      Job(name: "TCP guest to outside", unit: "Mbit/s") { guest, side in
        try await timed(
          "head -c \(outsideMebibytes << 20) /dev/zero | nc \(side.network.outside.address) "
            + "\(sinkPort)", in: guest)
      },
      Job(name: "TCP outside to guest", unit: "Mbit/s") { guest, side in
        try await timed(
          "nc \(side.network.outside.address) \(sourcePort) </dev/null >/dev/null", in: guest)
      },
      Job(name: "UDP 64 bytes guest to guest", unit: "packets/s") { guest, side in
        try await guest.iperf(to: side.address, options: "-u -l 64 -b 0", seconds: seconds)
          .receivedPacketsPerSecond
      },
    ]
  }

  /// Runs a command that moves `outsideMebibytes`, and returns how many Mbit it moved in a second.
  private static func timed(_ command: String, in guest: Domain) async throws -> Double {
    let clock = ContinuousClock()
    let duration = try await clock.measure {
      try await guest.check(command, timeout: .seconds(300))
    }
    let (seconds, attoseconds) = duration.components
    return Double(outsideMebibytes << 23) / 1e6 / (Double(seconds) + Double(attoseconds) / 1e18)
  }
}
