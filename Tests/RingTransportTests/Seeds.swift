import Glibc

/// The seeds of a property test: 1 to `count`, or the one in the environment variable `SEED`, which
/// is how a failure is replayed. The test's arguments print the seed that failed.
func testSeeds(count: Int) -> [UInt64] {
  // SAFETY: nothing in the test process changes its environment.
  if let text = unsafe getenv("SEED"), let seed = UInt64(unsafe String(cString: text)) {
    return [seed]
  }
  return (1...UInt64(count)).map { $0 }
}
