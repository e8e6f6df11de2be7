import PeerKit
import SimulatedXen
import Testing

@testable import NetBackend

/// A reader as ``DescriptorPort`` is one, over runs of frames that wait at the same time.
private struct Reader {
  var runs = FrameRuns()
  var waiting = 0
  /// How often it asked for a frame, and how often there was none.
  var asked = 0
  var inVain = 0

  /// - Returns: whether there was a frame.
  mutating func take() -> Bool {
    guard runs.expectsFrame() else { return false }
    asked += 1
    guard waiting > 0 else {
      inVain += 1
      runs.ended()
      return false
    }
    waiting -= 1
    runs.came()
    return true
  }

  /// Takes until there seems to be nothing, as a queue does when it was woken.
  mutating func wake() -> Int {
    var count = 0
    while take() { count += 1 }
    return count
  }
}

struct FrameRunsTests {
  @Test("frames that come alone cost nothing in vain, but for one now and then")
  func alone() {
    var reader = Reader()
    for _ in 0..<320 {
      reader.waiting += 1
      #expect(reader.wake() == 1)
    }
    #expect(reader.asked == 320 + reader.inVain)
    #expect(reader.inVain <= FrameRuns.loneRunCount + 320 / FrameRuns.lookInterval)
  }

  @Test("a bulk is taken at once, and noticed within some frames after a time without one")
  func bulk() {
    var reader = Reader()
    for _ in 0..<100 {
      reader.waiting += 5
      #expect(reader.wake() == 5)
    }
    for _ in 0..<100 {
      reader.waiting += 1
      _ = reader.wake()
    }
    reader.waiting = 1000
    var wakeUps = 0
    while reader.waiting > 0, wakeUps < 1000 {
      _ = reader.wake()
      wakeUps += 1
    }
    #expect(wakeUps <= FrameRuns.lookInterval)
  }

  /// Whoever is told that there is nothing waits for the descriptor, and is woken at once: it must
  /// be told of a frame then.
  @Test("who is woken for a frame gets it, whatever came before", arguments: testSeeds(count: 20))
  func woken(seed: UInt64) {
    var random = SeededGenerator(seed: seed)
    var reader = Reader()
    for _ in 0..<1000 {
      reader.waiting += Int.random(in: 0..<4, using: &random)
      guard reader.waiting > 0 else { continue }
      // A turn may end before there is nothing any more.
      if Int.random(in: 0..<3, using: &random) == 0 {
        _ = reader.take()
        continue
      }
      let before = reader.waiting
      // A turn that ended so may have left a run of one, which the next one ends.
      if reader.wake() == 0 { #expect(reader.wake() > 0) }
      #expect(reader.waiting < before)
    }
  }
}
