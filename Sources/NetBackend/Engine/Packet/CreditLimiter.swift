/// How much a guest may send: so many bytes in every period (the `rate` node).
struct NetRate: Hashable, Sendable {
  /// Bytes that every period brings, at least one.
  let byteCount: UInt64
  /// The period, at least a microsecond.
  let periodNanoseconds: UInt64

  /// Reads the text of a `rate` node, "bytes,microseconds" as libxl writes it; nil for a missing
  /// node and for a period of zero, which mean no limit.
  ///
  /// - Throws: for another text. Linux's backend does not limit then, and says so.
  static func read(_ text: String?) throws(NetRateError) -> NetRate? {
    guard let text else { return nil }
    let parts = text.split(separator: ",", omittingEmptySubsequences: false)
    guard parts.count == 2, let bytes = number(parts[0]), let period = number(parts[1]) else {
      throw .text(text)
    }
    guard period > 0 else { return nil }
    // A guest that could send nothing at all would hold its packets for ever.
    guard bytes > 0, period <= largestPeriodMicroseconds else { throw .range(text) }
    return NetRate(byteCount: bytes, periodNanoseconds: period * 1000)
  }

  /// An hour. libxl writes 50 ms unless told otherwise, and a guest gets credit once a period.
  static let largestPeriodMicroseconds: UInt64 = 3_600_000_000

  private static func number(_ text: Substring) -> UInt64? {
    guard let first = text.utf8.first, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(first)
    else { return nil }
    return UInt64(text)
  }
}

/// Why a `rate` node limits nothing.
enum NetRateError: Error, Hashable, Sendable, CustomStringConvertible {
  case text(String)
  case range(String)

  var description: String {
    switch self {
    case .text(let text): "the rate '\(text)' is not of the form 'bytes,microseconds'"
    case .range(let text): "the rate '\(text)' is out of range: 1 byte, and at most an hour"
    }
  }
}

/// Holds a guest's packets to a ``NetRate``. Pure: the time, in nanoseconds of a clock that does
/// not go back, is an argument.
///
/// Credit comes once a period, as in Linux's backend, and is kept up to what one period brings, at
/// least ``smallestBurstByteCount``.
struct CreditLimiter: Sendable {
  /// A packet of the largest size must be able to go at any rate (Linux's `max_burst`), in bytes.
  static let smallestBurstByteCount: UInt64 = 131_072

  /// When a packet may be sent.
  enum Answer: Hashable, Sendable {
    /// At once; its credit is spent.
    case now
    /// Not before this time, in nanoseconds; nothing is spent.
    case notBefore(UInt64)
  }

  /// The limit in force; nil is none.
  private(set) var rate: NetRate?
  /// Bytes that may be sent.
  private(set) var credit: UInt64
  /// When the period began whose credit is in `credit`.
  private(set) var periodStartNanoseconds: UInt64

  /// Begins with the credit of one period.
  init(rate: NetRate?, nowNanoseconds: UInt64) {
    self.rate = rate
    credit = rate?.byteCount ?? 0
    periodStartNanoseconds = nowNanoseconds
  }

  /// Goes on with the credit that another limiter had. Whatever it was, no more is given than a
  /// burst, and a period cannot have begun later than now.
  mutating func resume(
    credit: UInt64, periodStartNanoseconds start: UInt64, nowNanoseconds: UInt64
  ) {
    guard let rate else { return }
    self.credit = min(credit, Self.burst(of: rate))
    periodStartNanoseconds = min(start, nowNanoseconds)
  }

  /// Puts another limit in force. Credit that was not spent stays, as far as the new limit keeps
  /// any.
  mutating func change(to rate: NetRate?, nowNanoseconds: UInt64) {
    guard rate != self.rate else { return }
    let old = self.rate
    if old != nil { addCredit(nowNanoseconds: nowNanoseconds) }
    self.rate = rate
    guard let rate else { return }
    credit = old == nil ? rate.byteCount : min(credit, Self.burst(of: rate))
    periodStartNanoseconds = nowNanoseconds
  }

  /// Spends the credit for a packet of `byteCount` bytes, at most ``smallestBurstByteCount``, or
  /// says when there will be enough.
  mutating func spend(_ byteCount: Int, nowNanoseconds: UInt64) -> Answer {
    guard let rate else { return .now }
    let needed = UInt64(byteCount)
    if needed > credit { addCredit(nowNanoseconds: nowNanoseconds) }
    guard needed > credit else {
      credit -= needed
      return .now
    }
    precondition(needed <= Self.smallestBurstByteCount, "no packet is larger than a burst")
    // At least one, and at most as many as there are bytes in the largest packet; periods are at
    // most an hour.
    let missing = needed - credit
    let periods = (missing - 1) / rate.byteCount + 1
    return .notBefore(periodStartNanoseconds &+ periods * rate.periodNanoseconds)
  }

  /// Adds the credit of all periods that have begun.
  private mutating func addCredit(nowNanoseconds: UInt64) {
    guard let rate, nowNanoseconds > periodStartNanoseconds else { return }
    let periods = (nowNanoseconds - periodStartNanoseconds) / rate.periodNanoseconds
    guard periods > 0 else { return }
    periodStartNanoseconds += periods * rate.periodNanoseconds
    let (brought, overflows) = rate.byteCount.multipliedReportingOverflow(by: periods)
    let (sum, wraps) = credit.addingReportingOverflow(brought)
    credit = min(overflows || wraps ? .max : sum, Self.burst(of: rate))
  }

  private static func burst(of rate: NetRate) -> UInt64 {
    max(smallestBurstByteCount, rate.byteCount)
  }
}
