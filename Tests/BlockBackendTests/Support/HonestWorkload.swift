import PeerKit
import SimulatedXen

@testable import BlockBackend

/// A guest that does all sorts of I/O at once and knows what each sector must hold.
///
/// Guest, backend and disk take steps in seeded order, and each sleeps whenever its protocol lets
/// it. When all of them sleep and a request is open, an event was lost.
final class HonestWorkload {
  let scenario: DiskScenario
  /// Whether a request may end with an error: only where the test made the disk or Xen fail.
  var mayFail = false
  /// The most sectors that one request moves.
  var largestSectorCount = 64
  var usesIndirect = true
  /// How often the backend dies, in so many of a thousand steps.
  var crashesPerThousand = 0
  private(set) var completedCount = 0
  private(set) var failedCount = 0
  private(set) var model: SectorModel
  private var generator: SeededGenerator
  private var remaining = 0
  private var isResting = false
  /// Attempts in a row that found no sectors for a request.
  private var fruitlessCount = 0
  private let unit: Int

  init(_ scenario: DiskScenario, sectorByteCount: Int = 512, seed: UInt64) {
    self.scenario = scenario
    unit = sectorByteCount / 512
    model = SectorModel(sectorCount: scenario.disk.bytes.count / 512)
    generator = SeededGenerator(seed: seed &+ 1000)
  }

  /// Runs so many requests to their ends and compares the disk.
  func run(requestCount: Int) throws {
    begin(requestCount: requestCount)
    while !isDone {
      guard try step() else {
        throw PeerFailure(
          "all sleep, and \(scenario.frontend.outstandingCount) requests have no response")
      }
    }
    try finish()
  }

  func begin(requestCount: Int) {
    remaining += requestCount
  }

  var isDone: Bool { remaining == 0 && scenario.frontend.outstandingCount == 0 }

  /// What must hold when all is done.
  func finish() throws {
    try scenario.frontend.auditRing()
    if let violation = scenario.disk.violations.first { throw PeerFailure(violation) }
    if let sector = model.firstDifference(from: scenario.disk.bytes) {
      throw PeerFailure("sector \(sector) of the disk does not hold what was written")
    }
    guard scenario.harness.isIdle else { throw PeerFailure("the queue is not idle") }
  }

  /// Somebody who is awake does something.
  ///
  /// - Returns: false when all sleep.
  func step() throws -> Bool {
    let harness = scenario.harness
    if isResting, scenario.frontend.outstandingCount == 0 { isResting = false }
    var doers: [() throws -> Void] = []
    if scenario.frontend.isAwake { doers.append { try self.handleEvent() } }
    if harness.isDead { doers.append { try harness.restart() } }
    if harness.isAwake { doers.append { harness.turn() } }
    if harness.hasOperation { doers.append { _ = harness.completeOne() } }
    if remaining > 0, !isResting, scenario.frontend.freeCount > 0 {
      doers.append { self.submitBurst() }
    }
    guard let doer = doers.randomElement(using: &generator), fruitlessCount < 1000 else {
      return false
    }
    if !harness.isDead, Int.random(in: 0..<1000, using: &generator) < crashesPerThousand {
      harness.crash(inTurn: generator.chance(percent: 50))
    } else {
      try doer()
    }
    if let violation = harness.violation { throw PeerFailure("\(violation)") }
    return true
  }

  private func handleEvent() throws {
    for completion in try scenario.frontend.handleEvent() { try judge(completion) }
    if generator.chance(percent: 5) { try scenario.frontend.auditRing() }
  }

  private func judge(_ completion: FrontendCompletion) throws {
    completedCount += 1
    let isGood = completion.status == 0
    if !isGood { failedCount += 1 }
    guard isGood || mayFail else {
      throw PeerFailure("\(completion.request.operation) ended with \(completion.status)")
    }
    let start = Int(completion.request.sector)
    switch completion.request.operation {
    case .read:
      let range = start..<(start + completion.request.sectorCount)
      if let sector = model.endRead(range, data: isGood ? completion.data : nil) {
        throw PeerFailure("a read of \(range) got something else in sector \(sector)")
      }
    case .discard:
      model.endWrite(
        start..<(start + Int(completion.request.discardCount)), isKnown: isGood)
    default:
      model.endWrite(start..<(start + completion.request.sectorCount), isKnown: isGood)
    }
  }

  private func submitBurst() {
    let limit = min(remaining, scenario.frontend.freeCount)
    for _ in 0..<Int.random(in: 1...limit, using: &generator) {
      guard let request = randomRequest() else {
        // All sectors are taken, by requests that may never end.
        fruitlessCount += 1
        break
      }
      fruitlessCount = 0
      scenario.frontend.submit(request)
      remaining -= 1
    }
    scenario.frontend.push()
    isResting = generator.chance(percent: 40)
  }

  private func randomRequest() -> FrontendRequest? {
    let kind = Int.random(in: 0..<20, using: &generator)
    if kind == 0 { return FrontendRequest(.flush) }
    let isIndirect = usesIndirect && kind != 2 && generator.chance(percent: 40)
    let largest = isIndirect ? largestSectorCount : min(largestSectorCount, 88)
    let count = Int.random(in: 1...max(1, largest / unit), using: &generator) * unit
    guard let range = freeRange(count, forWriting: kind < 12) else { return nil }
    if kind == 1 {
      model.beginDiscard(range)
      var request = FrontendRequest(.discard, sector: UInt64(range.lowerBound))
      request.discardCount = UInt64(count)
      return request
    }
    let operation: FrontendRequest.Operation = kind == 2 ? .flush : kind < 12 ? .write : .read
    var request = FrontendRequest(operation, sector: UInt64(range.lowerBound))
    request.segments = randomSegments(count, limit: isIndirect ? 256 : 11)
    request.isIndirect = isIndirect
    if operation == .read {
      model.beginRead(range)
    } else {
      request.data = model.beginWrite(range)
    }
    return request
  }

  private func freeRange(_ count: Int, forWriting: Bool) -> Range<Int>? {
    for _ in 0..<20 {
      let last = (model.sectorCount - count) / unit
      let start = Int.random(in: 0...last, using: &generator) * unit
      let range = start..<(start + count)
      if model.isFree(range, forWriting: forWriting) { return range }
    }
    return nil
  }

  /// Cuts sectors into pieces of pages, small and large, anywhere in the page.
  private func randomSegments(_ count: Int, limit: Int) -> [ClosedRange<UInt8>] {
    var segments: [ClosedRange<UInt8>] = []
    var left = count
    while left > 0 {
      let room = (limit - segments.count - 1) * 8
      let least = max(1, left - room)
      let size = Int.random(in: min(least, 8)...min(8, left), using: &generator)
      let first = Int.random(in: 0...(8 - size), using: &generator)
      segments.append(UInt8(first)...UInt8(first + size - 1))
      left -= size
    }
    return segments
  }
}
