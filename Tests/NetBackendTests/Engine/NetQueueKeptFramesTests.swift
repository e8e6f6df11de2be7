import PeerKit
import RingTransport
import SimulatedXen
import Testing

@testable import NetBackend

/// Frames for a guest that a process had taken from the network when it died.
struct NetQueueKeptFramesTests {
  static let words = StatusLayout.bufferWords(of: NetQueueHarness.bufferIndex)

  /// Death before each frame that is taken, and before each operation of the turn's copies.
  @Test(arguments: [false, true])
  func nothingIsLostWhileFramesAreTakenAndCopied(readsAhead: Bool) throws {
    var point = 0
    while let run = try KeptFramesRun(dyingAt: point, readsAhead: readsAhead) {
      #expect(try run.receiveAll() == run.frames, "dead at point \(point)")
      point += 1
    }
    #expect(point > 20)
  }

  /// Death when some of the answers stand in the ring, over the requests, and none is published. Of
  /// a packet that was being answered the guest gets the beginning, and then all of it.
  @Test(arguments: [false, true])
  func nothingIsLostWhileAnswersAreWritten(readsAhead: Bool) throws {
    var count = 0
    while let run = try KeptFramesRun(dyingAfterAnswers: count, readsAhead: readsAhead) {
      let received = try run.receiveAll()
      let cut = received.filter { !run.frames.contains($0) }
      #expect(received.filter { run.frames.contains($0) } == run.frames, "after \(count) answers")
      #expect(cut.count <= 1 && cut.allSatisfy(run.isBeginning), "dead after \(count) answers")
      // A guest's kernel would tell of it.
      #expect(run.failureCount == 0, "dead after \(count) answers")
      count += 1
    }
    #expect(count > 15)
  }

  /// Death between the publication and the note of it: a network may deliver twice.
  @Test func whatIsPublishedAndNotNotedComesAgain() throws {
    let run = try KeptFramesRun(readsAhead: false)
    try run.turnWhole()
    run.page.storeState(0, at: NetQueueHarness.firstBufferWord)
    try run.restart()
    #expect(try run.receiveAll() == run.frames + run.frames)
  }

  /// The frame that the wait reads is found when the process dies before it sees it, also when it
  /// has looked for others meanwhile.
  @Test(arguments: [false, true]) func anAwaitedFrameIsFound(looks: Bool) throws {
    let run = try KeptFramesRun(readsAhead: true)
    _ = try run.receiveAll()
    let last = Array(run.put().prefix(1))
    try run.scenario.harness.dieWhileReading(looksBefore: looks)
    run.scenario.harness.network.rewind(to: [])
    #expect(try run.receiveAll() == last)
  }

  /// A frame that waits for pages is kept, too; and dropped when it has waited too long.
  @Test func aFrameThatWaitsForPagesIsKept() throws {
    for isStalled in [false, true] {
      let run = try KeptFramesRun(bufferCount: 2, readsAhead: false)
      try run.turnWhole()
      if isStalled {
        run.scenario.harness.now += 2 * ReceiveQueue.stallNanoseconds
        run.scenario.harness.turn()
      }
      try run.restart()
      let received = try run.receiveAll()
      // Two frames had a page each.
      #expect(received == (isStalled ? Array(run.frames.prefix(2)) : run.frames))
    }
  }

  @Test func aNewConnectionGetsNothingOld() throws {
    let run = try #require(
      try KeptFramesRun(dyingAt: 20, readsAhead: false) {
        $0.network.rewind(to: [])
      })
    try run.scenario.harness.restart(adopts: false)
    #expect(try run.receiveAll() == [])
    try run.scenario.harness.restart()
    #expect(try run.receiveAll() == [])
  }

  /// Whatever is in the page, the next process serves its guest.
  @Test(arguments: testSeeds(count: 100))
  func nonsenseIsHarmless(seed: UInt64) throws {
    let run = try #require(try KeptFramesRun(dyingAt: 20, readsAhead: seed % 4 < 2))
    var generator = SeededGenerator(seed: seed)
    for word in Self.words where generator.chance(percent: seed % 2 == 0 ? 90 : 3) {
      let place = UInt64.random(in: 0...400_000, using: &generator)
      let size = UInt64.random(in: 0...70_000, using: &generator) << 32
      let value = [0, .max, place, size | place].randomElement(using: &generator) ?? 0
      run.page.storeState(value, at: word)
    }
    if seed % 3 == 0 {
      let shown = UInt64.random(in: 0 ... .max, using: &generator)
      run.page.storeState(shown, at: NetQueueHarness.firstBufferWord)
      run.page.storeState(
        shown &+ .random(in: 0...130, using: &generator),
        at: NetQueueHarness.firstBufferWord + 1)
    }
    try run.restart()
    _ = try run.receiveAll()
    let last = run.put()
    #expect(try run.receiveAll() == last)
  }
}

/// A guest that is sent frames of all sizes, and a backend that dies once.
private final class KeptFramesRun {
  let scenario: NetScenario
  let page: StatusPage
  private(set) var frames: [NetPacket] = []
  /// Slots that the guest has back without data.
  private(set) var failureCount = 0
  private var builder = FrameBuilder(seed: 3)

  /// - Parameters:
  ///   - bufferCount: how many pages the guest offers at first.
  ///   - readsAhead: whether the port does. The frames then come while the queue waits.
  init(bufferCount: Int = .max, readsAhead: Bool) throws {
    var options = NetScenario.Options(seed: 1)
    options.readsAhead = readsAhead
    scenario = try NetScenario(options)
    page = scenario.harness.page
    scenario.frontend.postBuffers(upTo: bufferCount)
    scenario.frontend.push()
    if readsAhead { try scenario.harness.settle() }
    frames = put()
  }

  /// - Parameters:
  ///   - point: how many frames and operations of copies the process lives to see in its turn.
  ///   - readsAhead: whether the port does.
  ///   - change: what happens between its death and the next process.
  /// - Returns: nil when the turn has no such point.
  convenience init?(
    dyingAt point: Int, readsAhead: Bool, _ change: (NetQueueHarness) -> Void = { _ in }
  ) throws {
    try self.init(readsAhead: readsAhead)
    let (harness, frontend) = (scenario.harness, scenario.frontend)
    var atDeath: (page: PageImage, rings: NetFrontendQueue.RingImage, waiting: [[UInt8]])?
    var passed = 0
    let mayDie = {
      if passed == point {
        atDeath = (
          PageImage(self.page), frontend.ringImage(), harness.network.waiting
        )
      }
      passed += 1
    }
    harness.network.beforeTake = mayDie
    scenario.machine.beforeCopyOperation = { _ in mayDie() }
    harness.turn()
    harness.network.beforeTake = nil
    scenario.machine.beforeCopyOperation = nil
    guard let atDeath else { return nil }
    frontend.restore(atDeath.rings)
    harness.network.rewind(to: atDeath.waiting)
    atDeath.page.restore(page)
    change(harness)
    try restart()
  }

  /// - Returns: nil when the turn has fewer answers.
  convenience init?(dyingAfterAnswers count: Int, readsAhead: Bool) throws {
    try self.init(readsAhead: readsAhead)
    let frontend = scenario.frontend
    let image = frontend.ringImage()
    scenario.harness.turn()
    guard count <= frontend.publishedCounts(since: image).receive else { return nil }
    frontend.undo(to: image, keepingTransmitResponses: 0, receiveResponses: count)
    page.storeState(0, at: NetQueueHarness.firstBufferWord)
    try restart()
  }

  /// More frames come from the network.
  func put() -> [NetPacket] {
    let sizes = [60, 1514, 9000, 40_000, 60, 4096, 1514]
    return sizes.map { size in
      let frame = builder.build(.tcp4, byteCount: max(size, 120))
      scenario.harness.network.put(PortHeader(frame), frame.packet.bytes)
      return frame.packet
    }
  }

  /// Whether a packet is the beginning of one of the frames.
  func isBeginning(_ packet: NetPacket) -> Bool {
    frames.contains { $0.bytes.starts(with: packet.bytes) }
  }

  func turnWhole() throws {
    try scenario.harness.settle()
  }

  func restart() throws {
    try scenario.harness.restart()
  }

  /// Lets everything come that is to come.
  func receiveAll() throws -> [NetPacket] {
    var received: [NetPacket] = []
    for _ in 0..<20 {
      try scenario.harness.settle()
      if let violation = scenario.harness.violation { throw PeerFailure("\(violation)") }
      let taken = try scenario.frontend.takeReceived()
      failureCount += taken.count { $0.packet == nil }
      received += taken.compactMap { $0.packet }
      scenario.frontend.postBuffers()
      scenario.frontend.push()
    }
    return received
  }
}

/// What outlives a process, at one moment.
private struct PageImage {
  private let words: [UInt64]
  private let buffer: [UInt8]

  init(_ page: StatusPage) {
    words = NetQueueKeptFramesTests.words.map { page.loadState($0) }
    let memory = PrivateMemory(StatusBuffer(page, NetQueueHarness.bufferIndex))
    // SAFETY: bytes are copied for as long as the memory is there.
    buffer = unsafe memory.bytes.withUnsafeBytes { unsafe Array($0) }
  }

  func restore(_ page: StatusPage) {
    for (word, value) in zip(NetQueueKeptFramesTests.words, words) {
      page.storeState(value, at: word)
    }
    var memory = PrivateMemory(StatusBuffer(page, NetQueueHarness.bufferIndex))
    var room = memory.mutableBytes
    // SAFETY: the raw bytes of initialised integers.
    room.copyBytes(of: unsafe buffer.span.bytes)
  }
}
