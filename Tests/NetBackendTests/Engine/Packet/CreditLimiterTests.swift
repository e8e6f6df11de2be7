import SimulatedXen
import Testing

@testable import NetBackend

struct CreditLimiterTests {
  private let rate = NetRate(byteCount: 10_000, periodNanoseconds: 1_000_000)

  @Test func texts() throws {
    #expect(try NetRate.read(nil) == nil)
    #expect(
      try NetRate.read("125000,50000")
        == NetRate(byteCount: 125_000, periodNanoseconds: 50_000_000))
    #expect(try NetRate.read("1,1") == NetRate(byteCount: 1, periodNanoseconds: 1000))
    #expect(try NetRate.read("5,0") == nil, "no period, no limit; as in Linux")
    for text in [
      "", ",", "1", "1,", ",1", "1,2,", "1,2,3", " 1,2", "1, 2", "1,2 ", "-1,2", "+1,2", "1,+2",
      "0x10,2", "1.5,2", "a,b", "18446744073709551616,1",
    ] {
      #expect(throws: NetRateError.text(text)) { try NetRate.read(text) }
    }
    for text in ["0,1", "1,3600000001", "1,18446744073709551615"] {
      #expect(throws: NetRateError.range(text)) { try NetRate.read(text) }
    }
  }

  @Test func noLimit() {
    var limiter = CreditLimiter(rate: nil, nowNanoseconds: 5)
    for _ in 0..<1000 { #expect(limiter.spend(65_535, nowNanoseconds: 5) == .now) }
  }

  @Test func waitsForThePeriodThatBringsEnough() {
    var limiter = CreditLimiter(rate: rate, nowNanoseconds: 500)
    #expect(limiter.spend(10_000, nowNanoseconds: 500) == .now)
    #expect(limiter.spend(1, nowNanoseconds: 600) == .notBefore(1_000_500))
    #expect(limiter.spend(25_000, nowNanoseconds: 600) == .notBefore(3_000_500))
    #expect(limiter.spend(25_000, nowNanoseconds: 3_000_499) == .notBefore(3_000_500))
    #expect(limiter.spend(25_000, nowNanoseconds: 3_000_500) == .now)
    #expect(limiter.credit == 5000)
  }

  /// Nothing is saved beyond a burst; and what a packet of the largest size needs can be saved.
  @Test func burst() {
    var limiter = CreditLimiter(rate: rate, nowNanoseconds: 0)
    var sent = 0
    while limiter.spend(1000, nowNanoseconds: 3_600_000_000_000) == .now { sent += 1000 }
    #expect(sent <= 131_072 + 10_000)
    #expect(sent >= 131_000)
    var slow = CreditLimiter(
      rate: NetRate(byteCount: 1, periodNanoseconds: 1000), nowNanoseconds: 0)
    guard case .notBefore(let time) = slow.spend(65_535, nowNanoseconds: 0) else {
      Issue.record("a packet without credit")
      return
    }
    #expect(slow.spend(65_535, nowNanoseconds: time) == .now)
  }

  /// Over any time, no more goes than the rate and a burst allow, and a sender that waits as it is
  /// told gets at least half of the rate.
  @Test(arguments: testSeeds(count: 200))
  func longRun(seed: UInt64) {
    var generator = SeededGenerator(seed: seed)
    let rate = NetRate(
      byteCount: UInt64.random(in: 1...1_000_000, using: &generator),
      periodNanoseconds: UInt64.random(in: 1000...100_000_000, using: &generator))
    let start = UInt64.random(in: 0...(1 << 62), using: &generator)
    var limiter = CreditLimiter(rate: rate, nowNanoseconds: start)
    var now = start
    var sent: UInt64 = 0
    var waits = 0
    while waits < 200, sent < 1 << 32 {
      let size = Int.random(in: 14...65_535, using: &generator)
      switch limiter.spend(size, nowNanoseconds: now) {
      case .now: sent += UInt64(size)
      case .notBefore(let time):
        #expect(time > now, "seed \(seed)")
        now = time
        waits += 1
        #expect(limiter.spend(size, nowNanoseconds: now) == .now, "seed \(seed)")
        sent += UInt64(size)
      }
      let periods = (now - start) / rate.periodNanoseconds
      #expect(sent <= rate.byteCount * (periods + 1), "seed \(seed): faster than the rate")
    }
    let periods = (now - start) / rate.periodNanoseconds
    // What a burst does not hold is lost: less than half of what comes.
    let least = rate.byteCount * periods / 2
    #expect(sent + 65_535 + rate.byteCount >= least, "seed \(seed): too slow")
  }

  /// Whatever changes, no trap, and the credit stays within a burst.
  @Test(arguments: testSeeds(count: 200))
  func liveChanges(seed: UInt64) {
    var generator = SeededGenerator(seed: seed)
    var limiter = CreditLimiter(rate: nil, nowNanoseconds: 0)
    var now: UInt64 = 0
    for _ in 0..<500 {
      let jump = UInt64(1) << UInt64.random(in: 0...50, using: &generator)
      now += UInt64.random(in: 0...jump, using: &generator)
      if generator.chance(percent: 10) {
        let shift = UInt64.random(in: 0...63, using: &generator)
        let rate = NetRate(
          byteCount: 1 << shift,
          periodNanoseconds: UInt64.random(in: 1000...3_600_000_000_000, using: &generator))
        limiter.change(to: generator.chance(percent: 20) ? nil : rate, nowNanoseconds: now)
      }
      // An old clock reading must not matter.
      let time = generator.chance(percent: 10) ? now / 2 : now
      _ = limiter.spend(Int.random(in: 14...65_535, using: &generator), nowNanoseconds: time)
      if let rate = limiter.rate {
        #expect(limiter.credit <= max(131_072, rate.byteCount), "seed \(seed)")
      }
    }
  }

  @Test func changingTheRate() {
    var limiter = CreditLimiter(rate: nil, nowNanoseconds: 0)
    limiter.change(to: rate, nowNanoseconds: 7_000_000)
    #expect(limiter.credit == 10_000)
    #expect(limiter.spend(10_001, nowNanoseconds: 7_000_000) == .notBefore(8_000_000))
    // The same rate again, as a watch may bring it, gives nothing away.
    limiter.change(to: rate, nowNanoseconds: 7_500_000)
    #expect(limiter.spend(10_001, nowNanoseconds: 7_500_000) == .notBefore(8_000_000))
    let fast = NetRate(byteCount: 1_000_000, periodNanoseconds: 1_000_000)
    limiter.change(to: fast, nowNanoseconds: 8_000_000)
    #expect(limiter.credit == 20_000)
    #expect(limiter.spend(65_535, nowNanoseconds: 9_000_000) == .now)
    limiter.change(to: rate, nowNanoseconds: 9_000_000)
    #expect(limiter.credit == 131_072)
    limiter.change(to: nil, nowNanoseconds: 9_000_000)
    #expect(limiter.spend(65_535, nowNanoseconds: 9_000_000) == .now)
  }
}
