/// Finds processes whose threads do not move any more.
///
/// Time is counted in checks, not on a clock: when the whole domain stood still, or had no
/// processor, so did this, and a check that came late counts once. What threads say is the word of
/// a process that a guest may have taken over; it can only make itself look alive.
struct HangDetector {
  /// Twice the threads' own period, so that a healthy thread moves between any two checks.
  static let checkMilliseconds: UInt64 = 500

  private struct Watched {
    var heartbeat: UInt64
    var unchangedCount = 0
  }

  /// By process, then thread.
  private var watched: [Int32: [Watched?]] = [:]
  private let limit: Int

  /// - Parameter seconds: how long a thread may stand still; 0 for as long as it likes.
  init(seconds: Int) {
    limit = seconds * 1000 / Int(Self.checkMilliseconds)
  }

  var isOn: Bool { limit > 0 }

  /// Takes the heartbeats of all processes' threads, nil for a thread that there is not, and gives
  /// the processes that hang, each once. A heartbeat moves while its thread lives, also when that
  /// has nothing to do.
  mutating func check(_ readings: [(process: Int32, heartbeats: [UInt64?])]) -> [Int32] {
    guard isOn else { return [] }
    var hung: [Int32] = []
    var next: [Int32: [Watched?]] = [:]
    for (process, heartbeats) in readings {
      let before = watched[process] ?? []
      let now = heartbeats.indices.map { index in
        advance(index < before.count ? before[index] : nil, heartbeats[index])
      }
      next[process] = now
      // The count of the thread that stood still first; the others do not matter then.
      let unchangedCount = now.lazy.compactMap { $0?.unchangedCount }.max()
      if unchangedCount == limit { hung.append(process) }
    }
    // Processes that are gone are forgotten; their numbers come again.
    watched = next
    return hung
  }

  private func advance(_ before: Watched?, _ heartbeat: UInt64?) -> Watched? {
    guard let heartbeat else { return nil }
    guard let before, before.heartbeat == heartbeat else {
      return Watched(heartbeat: heartbeat)
    }
    // Past the limit it was told once.
    return Watched(
      heartbeat: before.heartbeat, unchangedCount: min(before.unchangedCount + 1, limit + 1))
  }
}
