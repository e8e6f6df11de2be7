import PeerKit
import SimulatedXen
import Testing

@testable import BlockBackend

/// Hostile guests: thousands of programs that write what they like into ring, pages and grants,
/// next to a neighbour whose disk must not notice.
struct BlockQueueHostileTests {
  @Test(arguments: testSeedGroups(count: 400))
  func programsHarmNobodyElse(seeds: [UInt64]) {
    for seed in seeds {
      do {
        try HostileRun(seed: seed).run()
      } catch {
        Issue.record("seed \(seed): \(error)")
      }
    }
  }

  /// An index that cannot be ends the device, at once and for good.
  @Test(arguments: testSeeds(count: 40))
  func lyingIndicesAreViolations(seed: UInt64) throws {
    let run = try HostileRun(seed: seed)
    run.hostile.lieAboutIndices()
    run.harness.turn()
    #expect(run.harness.violation != nil)
    #expect(!run.harness.isAwake)
    try run.close()
  }
}

/// A hostile guest, its disk, and an honest guest with a disk of its own.
private final class HostileRun {
  let seed: UInt64
  let hostile: HostileBlockFrontend
  let harness: QueueHarness
  private let machine: SimulatedMachine
  private let disk: ModelDisk
  private let neighbour: HonestWorkload
  private let isReadOnly: Bool
  private var generator: SeededGenerator

  init(seed: UInt64) throws {
    self.seed = seed
    generator = SeededGenerator(seed: seed &+ 5000)
    machine = try SimulatedMachine(frameCount: 4096)
    machine.createDomain(.driver)
    machine.createDomain(.guest)
    isReadOnly = seed % 4 == 0
    var options = DiskScenario.Options()
    options.capacityBytes = 256 * 1024
    options.isReadOnly = isReadOnly
    options.sectorByteCount = seed % 5 == 0 ? 4096 : 512
    let abi = WireABI.allCases[Int(seed % 3)]
    disk = ModelDisk(
      capacityBytes: options.capacityBytes, sectorByteCount: options.sectorByteCount, seed: seed)
    disk.faults.shortPercent = 20
    disk.faults.errorPercent = 2
    if seed % 7 == 0 { disk.queueDepth = 2 }
    hostile = try HostileBlockFrontend(
      machine: machine, domain: .guest, backendDomain: .driver, abi: abi,
      ringOrder: Int(seed % 3), capacitySectors: UInt64(options.capacityBytes / 512), seed: seed)
    harness = try QueueHarness(
      machine: machine, domain: .driver, disk: disk,
      connection: QueueHarness.Connection(
        frontendDomain: .guest, references: hostile.ringReferences, frontendPort: hostile.port,
        abi: abi.blockABI, geometry: options.geometry,
        bufferByteCount: BlockQueue.smallestBufferByteCount * (seed % 2 == 0 ? 1 : 4),
        isInOrder: seed % 11 == 0))
    var other = DiskScenario.Options()
    other.seed = seed
    other.capacityBytes = 128 * 1024
    neighbour = HonestWorkload(
      try DiskScenario(other, machine: machine, guest: .neighbour), seed: seed)
    neighbour.largestSectorCount = 16
    if seed % 3 == 0 {
      let hostile = hostile
      var meddling = SeededGenerator(seed: seed)
      machine.beforeCopyOperation = { domain in
        if domain == .guest, meddling.chance(percent: 5) { hostile.meddle() }
      }
    }
  }

  func run() throws {
    neighbour.begin(requestCount: 20)
    for _ in 0..<60 {
      switch Int.random(in: 0..<4, using: &generator) {
      case 0: hostile.act()
      case 1: if harness.isAwake { harness.turn() }
      case 2: _ = harness.completeOne()
      case 3 where generator.chance(percent: 15): try replaceProcess()
      default: try stepNeighbour()
      }
    }
    if generator.chance(percent: 30) {
      hostile.revokeAll()
      hostile.lieAboutIndices()
      // A queue that waits for room looks at the ring when it has some.
      try settle()
      guard harness.violation != nil else { throw PeerFailure("a lie was believed") }
    } else {
      try settle()
    }
    while !neighbour.isDone { try stepNeighbour() }
    try close()
  }

  /// The backend dies, and the next one believes nothing of what it finds in the guest's page.
  private func replaceProcess() throws {
    guard harness.violation == nil else { return }
    harness.crash(inTurn: generator.chance(percent: 50))
    while disk.orphanCount > 0 { disk.finishOrphan() }
    hostile.act()
    hostile.forgeJournal()
    try harness.restart()
  }

  func close() throws {
    harness.close()
    try neighbour.finish()
    if let violation = disk.violations.first { throw PeerFailure("on the disk: \(violation)") }
    guard machine.mappedPageCount(of: .guest) == 0 else {
      throw PeerFailure("pages of the guest are still mapped")
    }
    guard hostile.keptItsSecret else { throw PeerFailure("a page was written without a grant") }
    guard !isReadOnly || disk.bytes == [UInt8](repeating: 0, count: disk.bytes.count) else {
      throw PeerFailure("a read-only disk was written")
    }
    guard disk.deepest <= Int(hostile.slotCount) else {
      throw PeerFailure("\(disk.deepest) operations in flight")
    }
  }

  private func stepNeighbour() throws {
    guard !neighbour.isDone else { return }
    guard try neighbour.step() else { throw PeerFailure("the neighbour's disk hangs") }
  }

  /// The guest does nothing more: the backend must come to rest with every request answered.
  private func settle() throws {
    machine.beforeCopyOperation = nil
    let before = harness.turnCount
    for _ in 0..<20_000 {
      if harness.isAwake {
        harness.turn()
      } else if !harness.completeOne() {
        guard harness.violation != nil || harness.isIdle else {
          throw PeerFailure("requests are open and nobody works on them")
        }
        return
      }
    }
    throw PeerFailure("no rest after \(harness.turnCount - before) turns")
  }
}
