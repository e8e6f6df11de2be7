/// Whether to ask for a frame behind the last one.
///
/// To ask in vain costs a system call, as much as to be woken by the next frame. Frames that come
/// one at a time, each as an answer to something, have none behind them; in a bulk of them there
/// nearly always is one. So after some that came alone the next is taken to be alone as well, but
/// for one now and then, to notice that it is not so any more.
///
/// One thread uses an instance.
struct FrameRuns {
  /// How many runs of one frame make the next one likely.
  static let loneRunCount = 4
  /// Of so many runs that are taken to be of one frame, one is looked at.
  static let lookInterval = 16

  /// Frames since the last time when there was none.
  private var length = 0
  /// Runs of one frame, or taken to be so, one after the other.
  private var loneRuns = 0

  /// Whether to ask for the next frame. Otherwise there is none: whoever asked waits for it.
  mutating func expectsFrame() -> Bool {
    guard length == 1, loneRuns >= Self.loneRunCount, loneRuns % Self.lookInterval != 0 else {
      return true
    }
    ended()
    return false
  }

  /// There was a frame.
  mutating func came() {
    length += 1
  }

  /// There was none.
  mutating func ended() {
    if length == 1 {
      loneRuns &+= 1
    } else if length > 1 {
      loneRuns = 0
    }
    length = 0
  }
}
