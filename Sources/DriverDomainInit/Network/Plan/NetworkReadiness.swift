/// Knows which NICs are still missing, and when guests may be served: as ``StorageReadiness``.
struct NetworkReadiness {
  /// What was configured and is not there.
  private(set) var missing: [String]
  private let configuration: NetworkConfiguration
  private let choosesUplink: Bool
  private let deadline: UInt64
  private(set) var isSettled = false

  init(
    _ configuration: NetworkConfiguration, choosesUplink: Bool, waitSeconds: Int, now: UInt64
  ) {
    self.configuration = configuration
    self.choosesUplink = choosesUplink
    deadline = now + UInt64(waitSeconds) * 1000
    missing = []
    update(links: [], now: now)
  }

  /// When `update` has to be called at the latest.
  var nextDeadline: UInt64? { isSettled ? nil : deadline }

  /// Looks again.
  mutating func update(links: [Link], now: UInt64) {
    var missing: [String] = []
    let bridges = BridgePlan.bridges(configuration, links, choosesUplink: choosesUplink)
    for uplink in bridges.flatMap(\.uplinks) where !links.contains(where: uplink.matches) {
      missing.append("network interface \(uplink)")
    }
    for direct in configuration.directUplinks.values.map(\.interface).sorted()
    where !links.contains(where: { $0.name == direct }) {
      missing.append("network interface \(direct)")
    }
    // A domain that is to have no uplink says so: driver_domain.bridge=NAME:
    if bridges.isEmpty && choosesUplink && configuration.directUplinks.isEmpty {
      missing.append("any network interface")
    }
    self.missing = missing
    if missing.isEmpty || now >= deadline { isSettled = true }
  }

  /// What an administrator has to know.
  var problems: [String] {
    isSettled ? missing.map { "\($0): did not appear in time" } : []
  }
}
