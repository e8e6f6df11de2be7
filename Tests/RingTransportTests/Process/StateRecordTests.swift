import RingTransport
import SimulatedXen
import Testing

/// State that a process may die in the middle of changing.
struct StateRecordTests {
  private let contents: [[UInt64]] = [[1, 2, 3], [4, 0, 6], [.max, 8, 9], [0, 0, 0]]

  @Test func nothingIsThereAtFirst() {
    let memory = MortalMemory()
    #expect(record(memory).load(from: memory) == nil)
  }

  /// Death at every store of every change: the next process finds that change or the one before.
  @Test func deathAtEveryStore() {
    for start in [0, 1, 2] as [UInt64] {
      var storeCount = 0
      while true {
        let memory = MortalMemory()
        var first = record(memory)
        store(contents[0], &first, memory)
        for number in 0..<start { store([number, number, number], &first, memory) }
        let before = first.load(from: memory)
        memory.storesLeft = storeCount
        store(contents[1], &first, memory)
        let died = memory.storesLeft == 0
        memory.storesLeft = .max
        let found = record(memory).load(from: memory)
        #expect(found == before || found == contents[1], "after \(storeCount) stores")
        // The next process changes it in turn, and again.
        var next = record(memory)
        for content in contents {
          store(content, &next, memory)
          #expect(record(memory).load(from: memory) == content)
        }
        guard died else { break }
        storeCount += 1
      }
      #expect(storeCount > 5, "there was something to interrupt")
    }
  }

  /// A whole life of deaths: every process goes on from what the last one left.
  @Test(arguments: testSeedGroups(count: 200, groupSize: 50))
  func manyDeaths(seeds: [UInt64]) {
    for seed in seeds {
      var generator = SeededGenerator(seed: seed)
      let memory = MortalMemory()
      var last: [UInt64]?
      for _ in 0..<30 {
        var life = record(memory)
        for _ in 0..<Int.random(in: 0...3, using: &generator) {
          let content = (0..<3).map { _ in UInt64.random(in: 0...3, using: &generator) }
          store(content, &life, memory)
          last = content
        }
        let content = (0..<3).map { _ in UInt64.random(in: 0...3, using: &generator) }
        memory.storesLeft = Int.random(in: 0...7, using: &generator)
        store(content, &life, memory)
        memory.storesLeft = .max
        let found = record(memory).load(from: memory)
        #expect(found == last || found == content, "seed \(seed)")
        last = found
      }
    }
  }

  /// One wrong bit in the newest copy, and it is not taken for whole.
  @Test func damageIsSeen() {
    for word in 0..<StateRecord.wordCount(contentWordCount: 3) / 2 {
      for bit in stride(from: 0, to: 64, by: 7) {
        let memory = MortalMemory()
        var first = record(memory)
        store(contents[0], &first, memory)
        memory.flip(word: word + 5, bit: bit)
        #expect(record(memory).load(from: memory) == nil, "word \(word), bit \(bit)")
        // The older one is still there.
        memory.flip(word: word + 5, bit: bit)
        store(contents[1], &first, memory)
        memory.flip(word: word + 10, bit: bit)
        #expect(record(memory).load(from: memory) == contents[0], "word \(word), bit \(bit)")
      }
    }
  }

  @Test(arguments: testSeeds(count: 20))
  func garbageIsNothing(seed: UInt64) {
    var generator = SeededGenerator(seed: seed)
    let memory = MortalMemory()
    for word in 0..<StatusLayout.stateWordCount {
      memory.storeState(generator.next() >> UInt64.random(in: 0...63, using: &generator), at: word)
    }
    #expect(record(memory).load(from: memory) == nil)
    var next = record(memory)
    store(contents[2], &next, memory)
    #expect(record(memory).load(from: memory) == contents[2])
  }

  @Test func neighboursAreLeftAlone() {
    let memory = MortalMemory()
    memory.storeState(77, at: 4)
    memory.storeState(78, at: 5 + StateRecord.wordCount(contentWordCount: 3))
    var first = record(memory)
    for content in contents { store(content, &first, memory) }
    #expect(memory.loadState(4) == 77)
    #expect(memory.loadState(5 + StateRecord.wordCount(contentWordCount: 3)) == 78)
  }

  /// As a new process has it.
  private func record(_ memory: MortalMemory) -> StateRecord {
    var record = StateRecord(at: 5, contentWordCount: 3)
    record.goOn(in: memory)
    return record
  }

  private func store(_ content: [UInt64], _ record: inout StateRecord, _ memory: MortalMemory) {
    record.store(in: memory) { writer in
      for word in content { writer.append(word) }
    }
  }
}
