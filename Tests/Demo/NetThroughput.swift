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
    /// The domain's own.
    let domainAddress: String
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
      try await NetworkDomain(on: host, hasSink: true), try await LinuxNetworkDomain(on: host),
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
          network: network, address: try await guests[1].requestAddress(on: "eth\(number)"),
          domainAddress: try await network.ownAddress()))
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
      var results: [[Measurement]] = [[], []]
      for round in 0...rounds {
        for (index, side) in sides.enumerated() {
          let measurement = try await measure(job, in: guests[0], side)
          // The first pair warms up.
          if round > 0 { results[index].append(measurement) }
        }
      }
      entries.append(
        Comparison(results[0].map(\.value), results[1].map(\.value))
          .report(job.name, job.unit, "netback"))
      entries.append(
        Comparison(results[0].map(\.processorShare), results[1].map(\.processorShare))
          .report("\(job.name): the driver domain's processor", "%", "netback"))
    }
    print("[\(entries.joined(separator: ", "))]")
    for guest in guests { try await guest.destroy() }
  }

  /// What a run reached, and how busy the driver domain's processor was, in percent.
  private struct Measurement {
    var value: Double
    var processorShare: Double
  }

  private static func measure(
    _ job: Job, in guest: Domain, _ side: Side
  ) async throws -> Measurement {
    let before = try await processorSeconds(of: side.network)
    let start = ContinuousClock.now
    let value = try await job.measure(guest, side)
    let (seconds, attoseconds) = (ContinuousClock.now - start).components
    let used = try await processorSeconds(of: side.network) - before
    return Measurement(
      value: value, processorShare: used / (Double(seconds) + Double(attoseconds) / 1e18) * 100)
  }

  /// What a domain's processors have worked, in seconds, to a tenth.
  private static func processorSeconds(of network: any NetworkBackendDomain) async throws -> Double
  {
    let line = try await network.host.dom0.check("xl list \(network.domain.domid) | tail -n 1")
    return line.split(separator: " ").last.flatMap { Double($0) } ?? 0
  }

  private static func jobs(sinkPort: Int, sourcePort: Int) -> [Job] {
    [
      Job(name: "TCP guest to driver domain", unit: "Mbit/s") { guest, side in
        try await guest.iperf(to: side.domainAddress, options: "", seconds: seconds)
          .receivedBitsPerSecond / 1e6
      },
      Job(name: "TCP driver domain to guest", unit: "Mbit/s") { guest, side in
        try await guest.iperf(to: side.domainAddress, options: "-R", seconds: seconds)
          .receivedBitsPerSecond / 1e6
      },
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
