import RingTransport
import SimulatedXen
import Testing

@testable import NetBackend

/// Which frames a dead process had taken, in the page that outlives it.
struct FrameRecordTests {
  typealias Record = FrameRecord<MortalMemory>

  private static func frame(_ number: Int) -> Record.Frame {
    Record.Frame(offset: 16 * number, byteCount: 60 + number)
  }

  /// What the next process finds.
  private static func left(in memory: MortalMemory) -> [Record.Frame] {
    var record = Record(in: memory)
    record.restore()
    var frames: [Record.Frame] = []
    while let frame = record.takeNext() { frames.append(frame) }
    return frames
  }

  /// Death at every store: a frame is there from the moment it is noted until it is shown.
  @Test func deathAtEveryStore() {
    let found: [[Int]] = [[], [], [], [], [], [1], [1], [1, 2], [2], [2], [2, 3], []]
    for storeCount in found.indices {
      let memory = MortalMemory()
      memory.storesLeft = storeCount
      var record = Record(in: memory)
      record.clear()
      for number in 1...2 {
        record.add(Self.frame(number))
        _ = record.takeNext()
      }
      record.finish(isLastWaiting: true)
      record.add(Self.frame(3))
      _ = record.takeNext()
      record.finish(isLastWaiting: false)
      memory.storesLeft = .max
      #expect(Self.left(in: memory) == found[storeCount].map(Self.frame), "\(storeCount) stores")
    }
  }

  @Test func queuesHaveRecordsOfTheirOwn() {
    let memory = MortalMemory()
    var records = (0..<StatusLayout.bufferCount).map { Record(in: memory, buffer: $0) }
    for index in records.indices { records[index].clear() }
    // More than there are entries, so that each has been written.
    for number in 1...200 {
      for index in records.indices {
        records[index].add(Self.frame(number + index))
        #expect(records[index].takeNext() == Self.frame(number + index))
        records[index].finish(isLastWaiting: true)
      }
    }
    for index in records.indices {
      records[index].restore()
      #expect(records[index].takeNext() == Self.frame(200 + index))
      #expect(records[index].takeNext() == nil)
    }
  }

  /// Many frames, more than there are entries; and each process may take only some of the frames
  /// that are left.
  @Test(arguments: testSeeds(count: 50))
  func processesFollowEachOther(seed: UInt64) {
    var generator = SeededGenerator(seed: seed)
    let memory = MortalMemory()
    var record = Record(in: memory)
    record.clear()
    var expected: [Record.Frame] = []
    for number in 1..<600 {
      if expected.count < 60 {
        expected.append(Self.frame(number))
        record.add(Self.frame(number))
        #expect(record.takeNext() == Self.frame(number))
      }
      if generator.chance(percent: 30) {
        record.finish(isLastWaiting: true)
        expected = expected.suffix(1)
      }
      guard generator.chance(percent: 20) else { continue }
      #expect(Self.left(in: memory) == expected)
      record = Record(in: memory)
      record.restore()
      for _ in 0..<Int.random(in: 0...expected.count, using: &generator) {
        #expect(record.takeNext() == expected.removeFirst())
      }
      record.finish(isLastWaiting: false)
      #expect(Self.left(in: memory) == expected)
      while let frame = record.takeNext() { #expect(frame == expected.removeFirst()) }
      record.finish(isLastWaiting: false)
      #expect(expected.isEmpty)
    }
  }
}
