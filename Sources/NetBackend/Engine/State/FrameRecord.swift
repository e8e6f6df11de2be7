import RingTransport

/// Which frames of a ``ReceiveQueue`` were taken out of its port, and where they lie in memory that
/// outlives the process. Should it die before the guest was shown them, the next one goes on with
/// them.
///
/// Frames are numbered as they are taken. Words about a buffer of the status page, each written at
/// once:
///
/// | word | what |
/// |---|---|
/// | 0 | the number of the first frame that the guest has not been shown |
/// | 1 | the number of the next frame to be taken |
/// | 2 to 129 | for each frame, by its number: its size in bits 32 and up, and its offset |
/// | 130 | places that frames may be coming to: how many in bits 32 and up, where the first is |
///
/// A frame is known to the record when word 1 is written, and no more when word 0 is. Until then it
/// is in a place that the last word names. What is there is the word of a process that a guest may
/// have taken over before, and judged as such. One thread uses an instance.
struct FrameRecord<Memory: StateMemory> {
  /// Where a frame lies.
  struct Frame: Equatable {
    var offset: Int
    var byteCount: Int
  }

  /// More than a turn takes, and one that waits since the turn before: nothing is overwritten that
  /// was not shown.
  static var capacity: Int { 128 }

  private let memory: Memory
  private let shownWord: Int
  private var shown: UInt64 = 0
  private var taken: UInt64 = 0
  /// The number of the next frame that goes to the guest.
  private var next: UInt64 = 0

  /// A record of nothing. What is in the memory stays there until ``clear()`` or ``restore()``.
  ///
  /// - Parameter buffer: which of the page's buffers the frames lie in.
  init(in memory: Memory, buffer: Int = 0) {
    self.memory = memory
    shownWord = StatusLayout.bufferWords(of: buffer).lowerBound
  }

  /// Forgets everything: the guest connects anew.
  mutating func clear() {
    (shown, taken, next) = (0, 0, 0)
    memory.storeState(0, at: takenWord)
    memory.storeState(0, at: shownWord)
    memory.storeState(0, at: placesWord)
  }

  /// Takes over what an earlier process has left; nothing when it makes no sense.
  mutating func restore() {
    shown = memory.loadState(shownWord)
    taken = memory.loadState(takenWord)
    next = shown
    if taken &- shown > UInt64(Self.capacity) { clear() }
  }

  /// Whether there may be a next frame.
  var hasNext: Bool { next != taken }

  /// The next frame, of this process or an earlier one; nil when there are no more.
  mutating func takeNext() -> Frame? {
    while hasNext {
      let word = memory.loadState(word(of: next))
      next &+= 1
      if let frame = Self.frame(word) { return frame }
    }
    return nil
  }

  /// A frame has come from the port.
  mutating func add(_ frame: Frame) {
    memory.storeState(
      UInt64(frame.byteCount) << 32 | UInt64(frame.offset), at: word(of: taken))
    taken &+= 1
    memory.storeState(taken, at: takenWord)
  }

  /// Frames may come to places, one behind the other from `offset` on; to none where there are 0.
  mutating func expectFrames(inPlaces count: Int, at offset: Int) {
    memory.storeState(UInt64(count) << 32 | UInt64(offset), at: placesWord)
  }

  /// The places that an earlier process has named; they may lie anywhere.
  var places: (count: Int, offset: Int) {
    let word = memory.loadState(placesWord)
    return (Int(word >> 32), Int(word & 0xffff_ffff))
  }

  /// Whether a frame at `offset` is among those that were not taken.
  func hasNext(at offset: Int) -> Bool {
    var number = next
    while number != taken {
      if Self.frame(memory.loadState(word(of: number)))?.offset == offset { return true }
      number &+= 1
    }
    return false
  }

  /// Passes over all that was not taken yet.
  ///
  /// - Returns: how many frames they were.
  mutating func dropNext() -> Int {
    let count = Int(taken &- next)
    next = taken
    return count
  }

  /// The guest was shown all frames that were taken, or they were dropped, but for the last one
  /// where it waits.
  mutating func finish(isLastWaiting: Bool) {
    let first = isLastWaiting ? next &- 1 : next
    guard first != shown else { return }
    shown = first
    memory.storeState(first, at: shownWord)
  }

  private var takenWord: Int { shownWord + 1 }
  private var placesWord: Int { shownWord + 2 + Self.capacity }

  private func word(of number: UInt64) -> Int {
    shownWord + 2 + Int(number % UInt64(Self.capacity))
  }

  /// Judges the place of a frame, with room for its virtio header in front.
  private static func frame(_ word: UInt64) -> Frame? {
    let (offset, byteCount) = (Int(word & 0xffff_ffff), Int(word >> 32))
    guard offset >= PacketMemory.headroomByteCount, byteCount <= NetLimits.packetByteCount,
      byteCount >= NetLimits.smallestPacketByteCount,
      offset + byteCount <= StatusLayout.bufferByteCount
    else { return nil }
    return Frame(offset: offset, byteCount: byteCount)
  }
}
