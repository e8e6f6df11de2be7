import RingTransport

/// Which frames of a ``ReceiveQueue`` were taken out of its port, and where they lie in memory that
/// outlives the process. Should it die before the guest was shown them, the next one begins with
/// them.
///
/// Frames are numbered as they are taken. Words of the status page, each written at once:
///
/// | word | what |
/// |---|---|
/// | 0 | the number of the first frame that the guest has not been shown |
/// | 1 | the number of the next frame to be taken |
/// | 2 | the ring index up to which slots may hold answers that are not published; bit 32 is set |
/// | 3... | for each frame, by its number: its size in bits 32 and up, and its offset |
/// | 131... | what the guest offered in each slot of the ring, by its index: the identifier in bits
/// 32 and up, the page's reference; bit 63 is set |
///
/// A frame is known to the record when word 1 is written, and no more when word 0 is. What is there
/// is the word of a process that a guest may have taken over before, and judged as such. One thread
/// uses an instance.
struct FrameRecord<Memory: StateMemory> {
  /// Where a frame lies.
  struct Frame: Equatable {
    var offset: Int
    var byteCount: Int
  }

  /// More than a turn takes, and one that waits since the turn before: nothing is overwritten that
  /// was not shown.
  static var capacity: Int { 128 }
  private static var shownWord: Int { StatusLayout.bufferWords.lowerBound }
  private static var takenWord: Int { shownWord + 1 }
  private static var answeredWord: Int { shownWord + 2 }
  private static var isAnsweredMark: UInt64 { 1 << 32 }
  private static var isKeptMark: UInt64 { 1 << 63 }

  /// Nil where nothing is kept.
  private let memory: Memory?
  private var shown: UInt64 = 0
  private var taken: UInt64 = 0
  /// The number of the next frame that goes to the guest. Below `taken`, it was taken by an earlier
  /// process.
  private var next: UInt64 = 0

  /// A record of nothing. What is in the memory stays there until ``clear()`` or ``restore()``.
  init(in memory: Memory?) {
    self.memory = memory
  }

  /// Forgets everything: the guest connects anew.
  mutating func clear() {
    (shown, taken, next) = (0, 0, 0)
    memory?.storeState(0, at: Self.takenWord)
    memory?.storeState(0, at: Self.shownWord)
    memory?.storeState(0, at: Self.answeredWord)
  }

  /// Takes over what an earlier process has left; nothing when it makes no sense.
  mutating func restore() {
    guard let memory else { return }
    shown = memory.loadState(Self.shownWord)
    taken = memory.loadState(Self.takenWord)
    next = shown
    if taken &- shown > UInt64(Self.capacity) { clear() }
  }

  /// The next frame of an earlier process; nil when there are no more.
  mutating func takeLeft() -> Frame? {
    while let memory, next != taken {
      let word = memory.loadState(Self.word(of: next))
      next &+= 1
      if let frame = Self.frame(word) { return frame }
    }
    return nil
  }

  /// A frame has come from the port.
  mutating func add(_ frame: Frame) {
    guard let memory else { return }
    memory.storeState(
      UInt64(frame.byteCount) << 32 | UInt64(frame.offset), at: Self.word(of: taken))
    taken &+= 1
    next = taken
    memory.storeState(taken, at: Self.takenWord)
  }

  /// Forgets the frames of an earlier process that nobody has taken.
  ///
  /// - Returns: how many they were.
  mutating func dropLeft() -> Int {
    let count = Int(taken &- next)
    next = taken
    return count
  }

  /// The guest was shown all frames, or they were dropped, but for the last one where it waits.
  mutating func finish(isLastWaiting: Bool) {
    let first = isLastWaiting ? next &- 1 : next
    guard first != shown else { return }
    shown = first
    memory?.storeState(first, at: Self.shownWord)
  }

  /// A slot was taken; its answer will be written over what the guest offers there.
  func keep(_ request: NetReceiveRequest, at index: RingIndex) {
    memory?.storeState(
      Self.isKeptMark | UInt64(request.identifier) << 32
        | UInt64(request.grantReference.rawValue), at: Self.requestWord(index))
  }

  /// What the guest offered in a slot into which an answer may have been written.
  func request(at index: RingIndex) -> NetReceiveRequest? {
    guard let word = memory?.loadState(Self.requestWord(index)), word & Self.isKeptMark != 0 else {
      return nil
    }
    return NetReceiveRequest(
      identifier: UInt16(truncatingIfNeeded: word >> 32),
      grantReference: GrantReference(rawValue: UInt32(truncatingIfNeeded: word)))
  }

  /// Answers are going to be written, up to but not including this index.
  func beginAnswers(upTo index: RingIndex) {
    memory?.storeState(Self.isAnsweredMark | UInt64(index.rawValue), at: Self.answeredWord)
  }

  /// How many slots from `index` on an earlier process may have written answers into, which it did
  /// not publish.
  func spoiledSlotCount(from index: RingIndex, of waitingCount: Int) -> Int {
    guard let word = memory?.loadState(Self.answeredWord), word >> 32 == 1 else { return 0 }
    let end = RingIndex(rawValue: UInt32(truncatingIfNeeded: word))
    let count = Int(end.distance(from: index))
    return count <= waitingCount ? count : 0
  }

  private static func word(of number: UInt64) -> Int {
    shownWord + 3 + Int(number % UInt64(capacity))
  }

  private static func requestWord(_ index: RingIndex) -> Int {
    shownWord + 3 + capacity + Int(index.rawValue) % NetLimits.ringSlotCount
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
