import SimulatedXen
import Testing

@testable import RingTransport

struct StoreSnapshotTests {
  @Test(arguments: testSeeds(count: 100))
  func isReadAsItWasKept(seed: UInt64) throws {
    var generator = SeededGenerator(seed: seed)
    func list() -> [String?] {
      (0..<Int.random(in: 0...40, using: &generator)).map { _ in
        generator.chance(percent: 30)
          ? nil
          : String(
            repeating: ["0", "vif", "/dev/disk/ä"].randomElement(using: &generator) ?? "",
            count: Int.random(in: 0...3, using: &generator))
      }
    }
    let snapshot = StoreSnapshot(configuration: list(), promises: list(), ring: list())
    let words = try #require(snapshot.words)
    #expect(words.count <= StoreSnapshot.wordCount)
    // A record gives back all of its words.
    let padded = words + [UInt64](repeating: 0, count: StoreSnapshot.wordCount - words.count)
    #expect(StoreSnapshot(words: padded) == snapshot)
    for count in 0..<words.count { _ = StoreSnapshot(words: Array(words.prefix(count))) }
    #expect(StoreSnapshot(words: words.map { ~$0 }) == nil)
  }

  @Test func tooMuchIsNotKept() {
    let long = StoreSnapshot(
      configuration: [String(repeating: "x", count: 5000)], promises: [], ring: [])
    #expect(long.words == nil)
    var keeper = StoreKeeper(MortalMemory())
    keeper.keep(long)
    #expect(keeper.kept == nil)
  }

  /// A process that dies while it keeps something leaves what was there before, or nothing.
  @Test func deathWhileKeeping() {
    let first = StoreSnapshot(configuration: ["a"], promises: [nil], ring: ["1", "2"])
    let second = StoreSnapshot(configuration: ["b"], promises: ["0"], ring: ["3", nil])
    for stores in 0..<520 {
      let memory = MortalMemory()
      var keeper = StoreKeeper(memory)
      keeper.keep(first)
      memory.storesLeft = stores
      keeper.keep(second)
      memory.storesLeft = .max
      let found = StoreKeeper(memory).kept
      #expect(found == first || found == second, "after \(stores) stores")
    }
  }

  @Test func nothingIsKept() {
    let memory = MortalMemory()
    #expect(StoreKeeper(memory).kept == nil)
    var keeper = StoreKeeper(memory)
    keeper.keep(StoreSnapshot(configuration: [], promises: [], ring: []))
    #expect(StoreKeeper(memory).kept != nil)
    keeper.keep(nil)
    #expect(StoreKeeper(memory).kept == nil)
  }
}
