/// A time in which nothing came back, by the clock of the day in microseconds.
public struct GuestPause: Sendable {
  /// The last sign of life before it.
  public var start: Double
  /// The first one after it.
  public var end: Double

  /// Its length.
  public var microseconds: Double { end - start }

  /// Reads lines with a start and an end.
  public static func list(_ text: String, unitMicroseconds: Double = 1) -> [GuestPause] {
    text.split(separator: "\n").compactMap { line in
      let numbers = line.split(separator: " ").compactMap { Double($0) }
      guard numbers.count == 2 else { return nil }
      return GuestPause(
        start: numbers[0] * unitMicroseconds, end: numbers[1] * unitMicroseconds)
    }
  }
}

extension Domain {
  /// The times without a completion in a log of fio (`write_lat_log` with `log_unix_epoch`), which
  /// notes milliseconds.
  public func pauses(
    inLatencyLog file: String, minimumMilliseconds: Int
  ) async throws -> [GuestPause] {
    let text = try await check(
      """
      awk -F , '{ if (last && $1 - last > \(minimumMilliseconds)) print last * 1000, $1 * 1000
        last = $1 }' \(file)
      """)
    return GuestPause.list(text)
  }
}
