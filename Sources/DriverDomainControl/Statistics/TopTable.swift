import RingTransport

/// The table of `ddctl top`: what devices did between two looks. Pure.
struct TopTable {
  /// One driver domain at one moment.
  struct Sample {
    var name: String
    /// In nanoseconds of the monotonic clock.
    var time: UInt64
    var devices: [DeviceStatistics]
  }

  static let header = [
    "DOMAIN", "DEVICE", "OPS/S", "READ/S", "WRITTEN/S", "LATENCY", "IN FLIGHT", "FAILED",
    "RESTARTS",
  ]

  /// The lines of a driver domain; the counters of a domain that was restarted begin anew.
  static func rows(from before: Sample, to after: Sample) -> [[String]] {
    let seconds = Double(max(1, after.time &- before.time)) / 1e9
    return after.devices.map { device in
      let earlier = before.devices.first { $0.leaf == device.leaf }
      func growth(_ value: (DeviceStatistics) -> UInt64) -> Double {
        let now = value(device)
        let then = earlier.map(value) ?? 0
        return Double(now >= then ? now - then : now)
      }
      let count = growth(\.totalCount)
      let time = growth(\.requestNanoseconds)
      let latency = device.isDisk && count > 0 ? fixed(time / count / 1e6, 2) + " ms" : "-"
      let inFlight = device.isDisk ? fixed(time / seconds / 1e9, 1) : "-"
      return [
        before.name, name(of: device), fixed(count / seconds, 0),
        bytes(growth(\.bytesRead) / seconds), bytes(growth(\.bytesWritten) / seconds), latency,
        inFlight, String(device.failureCount), String(device.restarts),
      ]
    }
  }

  /// Lines with columns as wide as their widest word.
  static func text(_ rows: [[String]]) -> String {
    let all = [header] + rows
    let widths = header.indices.map { column in all.map { $0[column].count }.max() ?? 0 }
    return all.map { row in
      row.indices.map { column in
        let padding = String(repeating: " ", count: widths[column] - row[column].count)
        return column < 2 ? row[column] + padding : padding + row[column]
      }.joined(separator: "  ")
    }.joined(separator: "\n") + "\n"
  }

  private static func name(of device: DeviceStatistics) -> String {
    "\(device.leaf.kind.rawValue) \(device.leaf.frontendDomain)/\(device.leaf.device)"
  }

  private static func bytes(_ value: Double) -> String {
    if value >= 1_048_576 { return fixed(value / 1_048_576, 1) + " MiB" }
    if value >= 1024 { return fixed(value / 1024, 1) + " KiB" }
    return fixed(value, 0) + " B"
  }

  private static func fixed(_ value: Double, _ digits: Int) -> String {
    var scale: Double = 1
    for _ in 0..<digits { scale *= 10 }
    // Rates of 64-bit counters; what is larger than this is nonsense of a driver domain.
    let scaled = (min(value, 1e15) * scale).rounded()
    let whole = Int64(scaled / scale)
    if digits == 0 { return String(whole) }
    let rest = String(Int64(scaled) % Int64(scale))
    return "\(whole)." + String(repeating: "0", count: digits - rest.count) + rest
  }
}
