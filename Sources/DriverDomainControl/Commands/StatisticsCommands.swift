import Glibc
import RingTransport

/// `ddctl top` and `ddctl metrics`.
enum StatisticsCommands {
  private static let periodSeconds: UInt32 = 1

  /// One look at all driver domains that have a keeper, in the format of Prometheus.
  static func metrics<Transport: XenStoreTransport & ~Copyable>(
    _ store: inout Store<Transport>
  ) throws(KeeperError) -> Int32 {
    var samples: [MetricsText.Sample] = []
    for (name, domain) in try keptDomains(&store) {
      let restarts = try store.read(KeeperPaths(name: name).restarts)
      samples.append(
        MetricsText.Sample(
          name: name, restarts: restarts.flatMap { UInt64($0) } ?? 0,
          devices: try store.statistics(of: domain, question: question())))
    }
    print(MetricsText.text(samples), terminator: "")
    return 0
  }

  /// A table, each second anew, until it is interrupted.
  static func top<Transport: XenStoreTransport & ~Copyable>(
    _ store: inout Store<Transport>
  ) throws(KeeperError) -> Int32 {
    var before: [String: TopTable.Sample] = [:]
    while true {
      var rows: [[String]] = []
      for (name, domain) in try keptDomains(&store) {
        guard let devices = try store.statistics(of: domain, question: question()) else {
          continue
        }
        let sample = TopTable.Sample(
          name: name, time: MonotonicClock.nanoseconds(), devices: devices)
        if let earlier = before[name] { rows += TopTable.rows(from: earlier, to: sample) }
        before[name] = sample
      }
      // Clears a terminal, and is a form feed's worth of noise anywhere else.
      let clear = isatty(1) == 1 ? "\u{1B}[H\u{1B}[2J" : ""
      print(clear + TopTable.text(rows))
      fflush(nil)
      sleep(periodSeconds)
    }
  }

  private static func keptDomains<Transport: XenStoreTransport & ~Copyable>(
    _ store: inout Store<Transport>
  ) throws(KeeperError) -> [(name: String, domain: DomainIdentifier)] {
    let names = try store.children(
      of: [StorePaths.keepers], countMax: ClientCommands.driverDomainCountMax)[0].sorted()
    let numbers = try store.values(of: names.map { KeeperPaths(name: $0).domain })
    return zip(names, numbers).compactMap { name, number in
      number.flatMap { UInt16($0) }.map { (name, DomainIdentifier(rawValue: $0)) }
    }
  }

  /// Tells questions of all processes apart.
  private static func question() -> String { "\(getpid())-\(MonotonicClock.nanoseconds())" }
}
