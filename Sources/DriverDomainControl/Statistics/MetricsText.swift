import RingTransport

/// The text of `ddctl metrics`, in the format that Prometheus reads (text format 0.0.4). Pure.
struct MetricsText {
  /// What is known of one driver domain.
  struct Sample {
    var name: String
    var restarts: UInt64
    /// Nil when the domain did not answer.
    var devices: [DeviceStatistics]?
  }

  /// A family of values.
  private struct Family: Sendable {
    var name: String
    var kind: String
    var help: String
    var value: @Sendable (DeviceStatistics) -> String?
  }

  private static let families: [Family] = [
    Family(
      name: "requests_total", kind: "counter", help: "Requests of disks, packets of interfaces.",
      value: { String($0.totalCount) }),
    Family(
      name: "read_bytes_total", kind: "counter", help: "Bytes that went to the guest.",
      value: { String($0.bytesRead) }),
    Family(
      name: "written_bytes_total", kind: "counter", help: "Bytes that came from the guest.",
      value: { String($0.bytesWritten) }),
    Family(
      name: "failures_total", kind: "counter",
      help: "Requests answered with an error, packets dropped.",
      value: { String($0.failureCount) }),
    Family(
      name: "request_seconds_total", kind: "counter",
      help: "Time that all requests of a disk took together.",
      value: { $0.isDisk ? String(Double($0.requestNanoseconds) / 1e9) : nil }),
    Family(
      name: "backend_restarts_total", kind: "counter",
      help: "Backend processes that were followed by another.", value: { String($0.restarts) }),
  ]

  /// The whole text. Names of driver domains are names of XenStore nodes, and devices are numbers,
  /// so no label needs an escape.
  static func text(_ samples: [Sample]) -> String {
    var lines = heading("up", "gauge", "Whether the driver domain answers.")
    lines += samples.map { "\(metric("up")){domain=\"\($0.name)\"} \($0.devices == nil ? 0 : 1)" }
    lines += heading("restarts_total", "counter", "Lives of the driver domain after its first.")
    lines += samples.map { "\(metric("restarts_total")){domain=\"\($0.name)\"} \($0.restarts)" }
    for family in families {
      lines += heading("device_\(family.name)", family.kind, family.help)
      for sample in samples {
        for device in sample.devices ?? [] {
          guard let value = family.value(device) else { continue }
          let labels =
            "domain=\"\(sample.name)\",kind=\"\(device.leaf.kind.rawValue)\","
            + "guest=\"\(device.leaf.frontendDomain)\",device=\"\(device.leaf.device)\""
          lines.append("\(metric("device_\(family.name)")){\(labels)} \(value)")
        }
      }
    }
    return lines.joined(separator: "\n") + "\n"
  }

  private static func metric(_ name: String) -> String { "driver_domain_\(name)" }

  private static func heading(_ name: String, _ kind: String, _ help: String) -> [String] {
    ["# HELP \(metric(name)) \(help)", "# TYPE \(metric(name)) \(kind)"]
  }
}
