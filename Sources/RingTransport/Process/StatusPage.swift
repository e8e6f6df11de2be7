internal import CLinux
internal import Glibc
public import SystemPackage

/// A backend's end of its status page: signs of life, sums, and what its successor has to know.
///
/// Init makes the page, one for each device, and keeps it when the process dies. Any thread uses an
/// instance; a thread's slot belongs to that thread.
public final class StatusPage: Sendable {
  private let memory: StatusMemory

  /// Maps init's page; without a descriptor a page that nobody else sees, so that a backend works
  /// alike without init.
  ///
  /// - Throws: `invalidArgument` when the file is too short; what the system says otherwise.
  public init(sharing descriptor: Int32?) throws(Errno) {
    memory = try StatusMemory(descriptor, isWritable: true)
  }

  /// Makes a page that all processes of one device use, one after the other. Its size is sealed.
  public static func makeMemory() throws(Errno) -> OwnedFileDescriptor {
    // SAFETY: the call reads the name to its end.
    let number = try systemCall {
      unsafe c_make_fixed_memory("backend-status", StatusLayout.byteCount)
    }
    return OwnedFileDescriptor(adopting: FileDescriptor(rawValue: number))
  }

  /// Makes the page this process's. Threads of its predecessor are gone; sums and state stay, if
  /// they are of this layout.
  public func begin() {
    if memory.load(StatusLayout.magicWord) != StatusLayout.magic
      || memory.load(StatusLayout.versionWord) != StatusLayout.version
    {
      for word in 0..<StatusLayout.wordCount { memory.store(0, word) }
    }
    for thread in 0..<StatusLayout.threadCount { endThread(thread) }
    memory.store(StatusLayout.version, StatusLayout.versionWord)
    memory.store(UInt64(getpid()), StatusLayout.writerWord)
    memory.store(StatusLayout.magic, StatusLayout.magicWord)
  }

  /// Announces a thread, which has to ``tick(_:)`` from now on.
  public func beginThread(_ thread: Int) {
    tick(thread)
    memory.store(
      StatusLayout.threadFlagInUse, StatusLayout.heartbeatWord(of: thread) + 1)
  }

  /// Takes the announcement back.
  public func endThread(_ thread: Int) {
    memory.store(0, StatusLayout.heartbeatWord(of: thread) + 1)
  }

  /// A sign of life, at least every ``StatusLayout/heartbeatIntervalNanoseconds``.
  public func tick(_ thread: Int) {
    let word = StatusLayout.heartbeatWord(of: thread)
    memory.store(memory.load(word) &+ 1, word)
  }

  /// Where a buffer begins, for ``PrivateMemory``. Valid as long as the instance.
  // SAFETY: of whoever uses it, as the comment says.
  @unsafe func address(ofBuffer index: Int) -> UnsafeMutableRawPointer {
    unsafe memory.buffer(index)
  }

  /// Adds to a sum.
  public func add(_ value: UInt64, toStatistic index: Int) {
    if value != 0 { memory.add(value, StatusLayout.statisticWord(index)) }
  }
}

extension StatusPage: StateMemory {
  /// A word of the state.
  public func loadState(_ word: Int) -> UInt64 { memory.load(StatusLayout.stateWord(word)) }

  /// Changes a word of the state.
  public func storeState(_ value: UInt64, at word: Int) {
    memory.store(value, StatusLayout.stateWord(word))
  }
}

/// The words of a backend's own state, which it finds again when it is started anew.
public protocol StateMemory: AnyObject, Sendable {
  /// Reads a word of the first ``StatusLayout/stateWordCount``, or of
  /// ``StatusLayout/bufferWords(of:)``. An index outside of the page traps.
  func loadState(_ word: Int) -> UInt64
  /// Writes a word, after all that was written before it.
  func storeState(_ value: UInt64, at word: Int)
}

/// One of a status page's buffers, with the words about it.
public struct StatusBuffer: Sendable {
  /// The device's page.
  public let page: StatusPage
  /// Which one, below ``StatusLayout/bufferCount``.
  public let index: Int

  /// The buffer with this number.
  public init(_ page: StatusPage, _ index: Int) {
    self.page = page
    self.index = index
  }
}
