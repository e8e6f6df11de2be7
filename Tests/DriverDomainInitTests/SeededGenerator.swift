import Glibc

/// A repeatable source of chance (SplitMix64). Tests print the seed; `SEED=n` repeats a run.
struct SeededGenerator: RandomNumberGenerator {
  private var state: UInt64

  init(seed: UInt64) {
    state = seed
  }

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var value = state
    value = (value ^ (value >> 30)) &* 0xBF58_476D_1CE4_E5B9
    value = (value ^ (value >> 27)) &* 0x94D0_49BB_1331_11EB
    return value ^ (value >> 31)
  }

  /// The seed of this run, printed with the test's name.
  static func seed(for test: String) -> UInt64 {
    // SAFETY: the environment does not change while tests run.
    let given = unsafe getenv("SEED").flatMap { unsafe UInt64(String(cString: $0)) }
    let seed = given ?? UInt64.random(in: 0...UInt64(UInt32.max))
    print("\(test): SEED=\(seed)")
    return seed
  }
}
