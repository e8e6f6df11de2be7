public import SystemPackage

/// Init's end of a backend's status page.
///
/// The page is the word of a process that a guest may have taken over: numbers to compare, nothing
/// more.
public struct StatusPageReader: Sendable {
  private let memory: StatusMemory

  /// Maps a page of ``StatusPage/makeMemory()``, to read.
  public init(_ descriptor: Int32) throws(Errno) {
    memory = try StatusMemory(descriptor, isWritable: false)
  }

  /// The process that writes the page; nil before any does, or when the page says nonsense. Until
  /// the next process of a device has taken its page over, this is the last one.
  public var writer: Int32? {
    guard memory.load(StatusLayout.magicWord) == StatusLayout.magic,
      memory.load(StatusLayout.versionWord) == StatusLayout.version
    else { return nil }
    return Int32(exactly: memory.load(StatusLayout.writerWord))
  }

  /// How many signs of life a thread has given; nil when there is no such thread. To be compared
  /// with an earlier number for equality: it wraps, and goes on after a restart.
  public func heartbeatCount(of thread: Int) -> UInt64? {
    let word = StatusLayout.heartbeatWord(of: thread)
    guard memory.load(word + 1) & StatusLayout.threadFlagInUse != 0 else { return nil }
    return memory.load(word)
  }

  /// A sum over all processes that have had the page.
  public func statistic(_ index: Int) -> UInt64 {
    memory.load(StatusLayout.statisticWord(index))
  }
}
