import Glibc

/// The seeds of a property test: 1 to `count`, or to `SEEDS` where the environment names a number;
/// or the one that `SEED` names, which is how a failure is replayed.
package func testSeeds(count: Int) -> [UInt64] {
  if let seed = environmentNumber("SEED") { return [seed] }
  let last = environmentNumber("SEEDS") ?? UInt64(count)
  return (1...max(1, last)).map { $0 }
}

/// As ``testSeeds(count:)``, in groups, for properties whose single runs are short.
package func testSeedGroups(count: Int, groupSize: Int = 50) -> [[UInt64]] {
  let seeds = testSeeds(count: count)
  return stride(from: 0, to: seeds.count, by: groupSize).map { start in
    Array(seeds[start..<min(start + groupSize, seeds.count)])
  }
}

private func environmentNumber(_ name: String) -> UInt64? {
  // SAFETY: nothing in the test process changes its environment.
  guard let text = unsafe getenv(name) else { return nil }
  return UInt64(unsafe String(cString: text))
}
