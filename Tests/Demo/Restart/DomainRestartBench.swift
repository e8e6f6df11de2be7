import XenHost

/// The part of ``RestartBench`` about whole driver domains: their kernels panic, `ddctl` brings
/// them back, and a guest at steady, light work sees a gap. Four kinds of domain: for a disk and
/// for a network, with the device passed through and without.
struct DomainRestartBench {
  private let host: XenHost
  private let deaths: Int

  /// From the end of one restart to the next death: the guest's work goes on as before.
  private static let settlingSeconds = 1
  /// Dom0's partition that the disk domain without a device of its own serves.
  private static let partition = 5

  init(on host: XenHost, deaths: Int) {
    self.host = host
    self.deaths = deaths
  }

  /// Measures all four, one after the other, and returns a JSON object.
  ///
  /// - Parameters:
  ///   - disk: has its disk passed through.
  ///   - network: has its card passed through.
  func run(_ disk: DiskDomain, _ network: NetworkDomain) async throws -> String {
    var parts: [String] = []
    func measure(
      _ name: String, _ domain: Domain, _ load: some DomainLoad
    ) async throws {
      let figures = try await self.measure(domain, under: load)
      figures.report(name)
      parts.append("\"\(name)\": \(figures.json)")
    }
    try await measure(
      "disk_pci", disk.domain,
      try await DiskLoad.start(on: host, disk.domain, target: "/dev/disk/by-partlabel/scratch"))
    let plainDisk = try await DiskDomain(
      on: host, named: "disk-plain", source: .partitionOfDom0(Self.partition))
    try await measure(
      "disk", plainDisk.domain,
      try await DiskLoad.start(on: host, plainDisk.domain, target: "/dev/xvda"))
    try await measure(
      "network_pci", network.domain, try await NetworkLoad.start(on: host, network))
    let plainNetwork = try await NetworkDomain(on: host, named: "network-plain", hasCard: false)
    try await measure(
      "network", plainNetwork.domain, try await NetworkLoad.start(on: host, plainNetwork))
    return "{\(parts.joined(separator: ", "))}"
  }

  /// Lets a domain die again and again, and ends the load.
  private func measure(
    _ domain: Domain, under load: some DomainLoad
  ) async throws -> DomainRestartFigures {
    let keeper = try await DomainKeeper(of: domain, on: host)
    let panic = DomainDeath.panic
    var restarts: [DomainRestart] = []
    for number in 0..<deaths {
      // Of deaths that follow each other like these, `ddctl` delays all but the first two. That is
      // not what is measured here: each is the first that its `ddctl` sees.
      if number > 0 {
        try await keeper.kill()
        try await keeper.start()
      }
      try await host.dom0.check("sleep \(Self.settlingSeconds)")
      restarts.append(
        try await keeper.restart(
          by: panic.command(round: number, keeper: keeper.startCommand)))
    }
    try await host.dom0.check("sleep \(Self.settlingSeconds)")
    let pauses = try await load.end()
    try await keeper.stop()
    return DomainRestartFigures(
      restarts.map {
        RestartRecord(domain: domain.name, death: panic, times: $0, pauses: pauses)
      })
  }
}

/// What the deaths of one driver domain showed.
struct DomainRestartFigures {
  /// Deaths that the guest saw, and all.
  private let seenCount: Int
  private let count: Int
  /// The guest's gap, and what it consists of, in milliseconds.
  private let gaps: Distribution
  private let parts: [(name: String, values: Distribution)]

  init(_ records: [RestartRecord]) {
    let seen = records.compactMap(\.partsOfPause)
    seenCount = seen.count
    count = records.count
    gaps = Distribution(seen.map { parts in Self.milliseconds(parts.reduce(0) { $0 + $1.1 }) })
    let names = seen.first?.map(\.name) ?? []
    parts = names.enumerated().map { index, name in
      (name, Distribution(seen.map { Self.milliseconds($0[index].microseconds) }))
    }
  }

  private static func milliseconds(_ microseconds: Int) -> Double { Double(microseconds) / 1000 }

  var json: String {
    let fields =
      ["\"deaths\": \(count)", "\"seen\": \(seenCount)", "\"gap_milliseconds\": \(gaps.json)"]
      + parts.map { "\"\($0.name)_milliseconds\": \($0.values.json)" }
    return "{\(fields.joined(separator: ", "))}"
  }

  /// Prints a table.
  func report(_ name: String) {
    let rows =
      ["domain \(name), \(count) deaths, of which the guest saw \(seenCount), milliseconds:"]
      + ([("gap", gaps)] + parts).map { "  \($0): \($1.text)" }
    Output.say(rows.joined(separator: "\n"))
  }
}
