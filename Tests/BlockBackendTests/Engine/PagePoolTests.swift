import SimulatedXen
import Testing

@testable import BlockBackend

struct PagePoolTests {
  /// Every sequence of six operations on a pool of five pages: take one to five pages, or give back
  /// any run that is out.
  @Test func smallPoolsExhaustively() {
    var sequences = 0
    explore(PagePool(pageCount: 5), runs: [], depth: 6, &sequences)
    #expect(sequences > 1000)
  }

  private func explore(
    _ pool: PagePool, runs: [Range<Int>], depth: Int, _ sequences: inout Int
  ) {
    guard depth > 0 else {
      sequences += 1
      return
    }
    for count in 1...5 {
      var next = pool
      let start = next.allocate(count)
      #expect(start == firstFit(count, runs, pageCount: 5))
      guard let start else { continue }
      explore(next, runs: runs + [start..<(start + count)], depth: depth - 1, &sequences)
    }
    for index in runs.indices {
      var next = pool
      next.free(first: runs[index].lowerBound, count: runs[index].count)
      var left = runs
      left.remove(at: index)
      #expect(next.freeCount == 5 - left.reduce(0) { $0 + $1.count })
      explore(next, runs: left, depth: depth - 1, &sequences)
    }
  }

  /// Where the lowest run lies that is free, found the slow way.
  private func firstFit(_ count: Int, _ runs: [Range<Int>], pageCount: Int) -> Int? {
    guard count <= pageCount else { return nil }
    return (0...(pageCount - count)).first { start in
      !runs.contains { $0.overlaps(start..<(start + count)) }
    }
  }

  @Test(arguments: testSeeds(count: 20))
  func randomHistories(seed: UInt64) {
    var generator = SeededGenerator(seed: seed)
    let pageCount = Int.random(in: 1...300, using: &generator)
    var pool = PagePool(pageCount: pageCount)
    var runs: [Range<Int>] = []
    for _ in 0..<500 {
      if generator.chance(percent: 55) {
        let count = Int.random(in: 1...40, using: &generator)
        let start = pool.allocate(count)
        #expect(start == firstFit(count, runs, pageCount: pageCount))
        if let start { runs.append(start..<(start + count)) }
      } else if !runs.isEmpty {
        let run = runs.remove(at: .random(in: runs.indices, using: &generator))
        pool.free(first: run.lowerBound, count: run.count)
      }
      #expect(pool.freeCount == pageCount - runs.reduce(0) { $0 + $1.count })
    }
  }
}
