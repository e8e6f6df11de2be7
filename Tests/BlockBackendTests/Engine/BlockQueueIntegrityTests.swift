import PeerKit
import SimulatedXen
import Testing

@testable import BlockBackend

/// Honest guests: whatever the layout, the ring, the buffer and the disk's moods, every request gets
/// one response, every byte is where it belongs, and nobody sleeps who should not.
struct BlockQueueIntegrityTests {
  @Test(arguments: testSeeds(count: 12))
  func mixedRequestsOnAnyRing(seed: UInt64) throws {
    for abi in WireABI.allCases {
      var options = DiskScenario.Options()
      options.abi = abi
      options.seed = seed
      options.ringOrder = Int(seed % 5)
      options.startIndex = seed % 2 == 0 ? .max - 3 : 0
      options.bufferByteCount = seed % 3 == 0 ? 4 << 20 : BlockQueue.smallestBufferByteCount
      let scenario = try DiskScenario(options)
      scenario.disk.faults.shortPercent = Int(seed % 4) * 20
      try HonestWorkload(scenario, seed: seed).run(requestCount: 100)
    }
  }
}
