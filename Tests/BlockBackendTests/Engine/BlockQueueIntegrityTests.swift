import PeerKit
import SimulatedXen
import Testing

@testable import BlockBackend

/// Honest guests: whatever the layout, the ring, the buffer and the disk's moods, every request
/// gets one response, every byte is where it belongs, and nobody sleeps who should not.
struct BlockQueueIntegrityTests {
  @Test(arguments: testSeeds(count: 30))
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
      try HonestWorkload(scenario, seed: seed).run(requestCount: 120)
    }
  }

  /// The same where the disk takes transfers together with their copies, or comes to say that it
  /// does not.
  @Test(arguments: testSeeds(count: 30))
  func linkedRequestsOnAnyRing(seed: UInt64) throws {
    var options = DiskScenario.Options.varied(by: seed)
    options.linkCountMax = seed % 4 == 0 ? 40 : .max
    let scenario = try DiskScenario(options)
    scenario.disk.faults.shortPercent = Int(seed % 4) * 20
    if seed % 5 == 0 { scenario.disk.queueDepth = 3 }
    try HonestWorkload(scenario, seed: seed).run(requestCount: 200)
    // From the fortieth copy on, those under way come back, and are made by the queue.
    #expect((scenario.harness.linkFailureCount > 0) == (seed % 4 == 0))
    let linkedCount = scenario.harness.statistics?.linked ?? 0
    #expect(linkedCount > 0 && (seed % 4 != 0 || linkedCount < 40))
  }

  /// The smallest buffer holds one of the largest requests: the others wait in the ring.
  @Test(arguments: testSeeds(count: 20))
  func largeRequestsWaitForTheBuffer(seed: UInt64) throws {
    var options = DiskScenario.Options()
    options.capacityBytes = 4 << 20
    options.ringOrder = Int(seed % 5)
    options.seed = seed
    let scenario = try DiskScenario(options)
    let workload = HonestWorkload(scenario, seed: seed)
    workload.largestSectorCount = 256 * 8
    try workload.run(requestCount: 40)
  }

  /// A target that takes only so much at once: requests wait for it in order.
  @Test(arguments: testSeeds(count: 20))
  func requestsWaitForTheTarget(seed: UInt64) throws {
    var options = DiskScenario.Options()
    options.bufferByteCount = 4 << 20
    options.seed = seed
    let scenario = try DiskScenario(options)
    scenario.disk.queueDepth = Int(seed % 4) + 1
    scenario.disk.faults.shortPercent = 50
    try HonestWorkload(scenario, seed: seed).run(requestCount: 120)
    #expect(scenario.disk.deepest <= scenario.disk.queueDepth)
  }

  /// A failing target and a failing hypervisor cost the requests they hit, and only those.
  @Test(arguments: testSeeds(count: 40))
  func failuresStayWithTheirRequests(seed: UInt64) throws {
    var options = DiskScenario.Options()
    options.ringOrder = Int(seed % 3)
    options.seed = seed
    if seed % 2 == 0 { options.linkCountMax = .max }
    let scenario = try DiskScenario(options)
    scenario.machine.faults = MachineFaults(seed: seed)
    scenario.machine.faults.copyPercent = Int(seed % 3)
    scenario.machine.faults.copyCallPercent = Int(seed % 2) * 10
    scenario.disk.faults.errorPercent = 10
    scenario.disk.faults.shortPercent = 30
    let workload = HonestWorkload(scenario, seed: seed)
    workload.mayFail = true
    workload.largestSectorCount = 256
    try workload.run(requestCount: 200)
    #expect(workload.failedCount > 0 && workload.failedCount < workload.completedCount)
    scenario.machine.faults.stop()
    scenario.disk.faults = .init()
    workload.mayFail = false
    try workload.run(requestCount: 50)
  }

  /// Requests cover whole logical sectors of 4096 bytes, in pieces of 512.
  @Test(arguments: testSeeds(count: 10))
  func largeLogicalSectors(seed: UInt64) throws {
    var options = DiskScenario.Options()
    options.sectorByteCount = 4096
    options.seed = seed
    let scenario = try DiskScenario(options)
    scenario.disk.faults.shortPercent = 30
    try HonestWorkload(scenario, sectorByteCount: 4096, seed: seed).run(requestCount: 100)
  }

  /// A queue that drains answers what it took, leaves the rest in the ring, and comes to rest.
  @Test(arguments: testSeeds(count: 20))
  func drainingFinishesWhatWasTaken(seed: UInt64) throws {
    var options = DiskScenario.Options()
    options.seed = seed
    let scenario = try DiskScenario(options)
    for index in 0..<32 {
      var request = FrontendRequest(.read, sector: UInt64(index) * 8)
      request.segments = FrontendRequest.pages(sectorCount: index % 2 == 0 ? 8 : 1024)
      request.isIndirect = request.segments.count > 11
      scenario.frontend.submit(request)
    }
    scenario.frontend.push()
    scenario.harness.turn()
    scenario.harness.drain()
    scenario.harness.settle()
    #expect(scenario.harness.isIdle)
    let completions = try scenario.frontend.takeResponses()
    #expect(!completions.isEmpty && completions.count < 32)
    #expect(completions.allSatisfy { $0.status == 0 })
    #expect(scenario.frontend.outstandingCount == 32 - completions.count)
    scenario.harness.close()
    #expect(scenario.machine.mappedPageCount(of: .guest) == 0)
    #expect(scenario.machine.openPortCount(of: .driver) == 0)
  }
}
