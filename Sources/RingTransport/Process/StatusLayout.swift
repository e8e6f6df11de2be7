/// Where everything lies in a backend's status page: memory that init and the backend share, as
/// 64-bit words in the machine's order, little-endian on all that we run on.
///
/// | bytes | what |
/// |---|---|
/// | 0 | ``magic`` |
/// | 8 | ``version`` of this layout |
/// | 16 | the writer's process identifier |
/// | 64 | a slot of 64 bytes for each thread: heartbeats, then flags (bit 0: in use) |
/// | 1024 | ``statisticCount`` sums over all processes that have had the page |
/// | 2048 | the backend's own, which outlives it |
/// | 4096 | what XenStore said last, for a successor in a hurry (`StoreSnapshot`) |
/// | 12288 | the backend's own words about what is in its buffers, for each buffer |
/// | 24576 | the backend's buffers (``StatusBuffer``), of which pages that nobody touches take no
/// memory |
public enum StatusLayout {
  /// Size of the page in bytes.
  public static let byteCount = bufferOffset + bufferCount * bufferByteCount
  /// Buffers: one for each queue of a network's interface.
  public static let bufferCount = HeldQueue.countMax
  /// Size of a buffer in bytes: what a turn of a network's queue takes.
  public static let bufferByteCount = 384 * 1024
  /// "DDStatus" as the first eight bytes.
  public static let magic: UInt64 = 0x7375_7461_7453_4444
  /// Changes with the layout.
  public static let version: UInt64 = 5
  /// Slots for threads: 0 is the main thread, 1 to 8 are queues.
  public static let threadCount = 9
  /// Statistics; what each is, the program says.
  public static let statisticCount = 16
  /// Words of the backend's own state.
  public static let stateWordCount = 256
  /// Where the snapshot of XenStore begins, as a word of the state.
  static let snapshotFirstWord = stateWordCount
  /// Words about each buffer.
  public static let bufferWordCount = 160
  /// All words that outlive a process, the snapshot's included.
  package static let memoryWordCount = (bufferOffset - 2048) / 8
  /// How often a thread has to give a sign of life, in nanoseconds. Init looks every half second.
  public static let heartbeatIntervalNanoseconds: UInt64 = 250_000_000

  static let magicWord = 0
  static let versionWord = 1
  static let writerWord = 2
  /// All words in front of the buffers.
  static let wordCount = bufferOffset / 8
  static let bufferOffset = 24576
  static let threadFlagInUse: UInt64 = 1

  /// The word that counts a thread's signs of life. Its flags follow.
  static func heartbeatWord(of thread: Int) -> Int {
    precondition((0..<threadCount).contains(thread))
    return (64 + thread * 64) / 8
  }

  static func statisticWord(_ index: Int) -> Int {
    precondition((0..<statisticCount).contains(index))
    return 1024 / 8 + index
  }

  /// The words about a buffer, as words of the state.
  public static func bufferWords(of buffer: Int) -> Range<Int> {
    precondition((0..<bufferCount).contains(buffer))
    let first = (12288 - 2048) / 8 + buffer * bufferWordCount
    return first..<first + bufferWordCount
  }

  static func stateWord(_ index: Int) -> Int {
    precondition((0..<memoryWordCount).contains(index))
    return 2048 / 8 + index
  }
}
