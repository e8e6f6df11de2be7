import Glibc
import RingTransport
import SystemPackage
import Testing

/// Init's and the backend's view of one page.
final class StatusPageTests {
  private let file: OwnedFileDescriptor
  private var memory: Int32 { file.rawValue }

  init() throws {
    file = try StatusPage.makeMemory()
  }

  @Test func aNewPageSaysNothing() throws {
    let reader = try StatusPageReader(memory)
    #expect(reader.writer == nil)
    for thread in 0..<StatusLayout.threadCount {
      #expect(reader.heartbeatCount(of: thread) == nil)
    }
  }

  @Test func threadsComeTickAndGo() throws {
    let reader = try StatusPageReader(memory)
    let page = try StatusPage(sharing: memory)
    page.begin()
    #expect(reader.writer == getpid())
    for thread in [0, 3, 8] { page.beginThread(thread) }
    let before = try #require(reader.heartbeatCount(of: 3))
    page.tick(3)
    #expect(reader.heartbeatCount(of: 3) == before + 1)
    #expect(reader.heartbeatCount(of: 2) == nil)
    #expect(reader.heartbeatCount(of: 8) == 1)
    page.endThread(3)
    #expect(reader.heartbeatCount(of: 3) == nil)
  }

  @Test func theNextProcessFindsSumsAndState() throws {
    let first = try StatusPage(sharing: memory)
    first.begin()
    first.beginThread(1)
    first.tick(1)
    first.add(7, toStatistic: 15)
    first.storeState(9, at: StatusLayout.stateWordCount - 1)
    let second = try StatusPage(sharing: memory)
    second.begin()
    second.add(2, toStatistic: 15)
    let reader = try StatusPageReader(memory)
    #expect(reader.heartbeatCount(of: 1) == nil, "the thread died with the process")
    #expect(reader.statistic(15) == 9)
    #expect(second.loadState(StatusLayout.stateWordCount - 1) == 9)
    second.beginThread(1)
    #expect(reader.heartbeatCount(of: 1) == 3, "counts go on: no number comes twice in a row")
  }

  /// What a supervisor of another version, or a process that a guest took over, left there.
  @Test(arguments: [0, 1])
  func aForeignPageIsClearedByItsNextWriter(word: Int) throws {
    let page = try StatusPage(sharing: memory)
    page.begin()
    page.storeState(5, at: 0)
    page.add(1, toStatistic: 0)
    try write(77, word: word)
    let reader = try StatusPageReader(memory)
    #expect(reader.writer == nil)
    page.begin()
    #expect(reader.writer == getpid())
    #expect(page.loadState(0) == 0 && reader.statistic(0) == 0)
  }

  /// Every number is a number; reading never fails.
  @Test func garbageIsRead() throws {
    let reader = try StatusPageReader(memory)
    let page = try StatusPage(sharing: memory)
    page.begin()
    for word in 2..<StatusLayout.byteCount / 8 { try write(.max, word: word) }
    #expect(reader.writer == nil, "no process has such a number")
    for thread in 0..<StatusLayout.threadCount {
      #expect(reader.heartbeatCount(of: thread) == .max)
    }
    page.tick(0)
    #expect(reader.heartbeatCount(of: 0) == 0)
    page.add(2, toStatistic: 3)
    #expect(reader.statistic(3) == 1)
  }

  /// A page that its writer could cut would be a trap for init.
  @Test func nobodyChangesTheSize() {
    #expect(ftruncate(memory, 0) == -1 && errno == EPERM)
    #expect(ftruncate(memory, 8192) == -1 && errno == EPERM)
  }

  @Test func shortFilesAreRefused() throws {
    let empty = try OwnedFileDescriptor.open("/dev/null", .readWrite)
    let short = empty.rawValue
    #expect(throws: Errno.invalidArgument) { _ = try StatusPage(sharing: short) }
    #expect(throws: Errno.invalidArgument) { _ = try StatusPageReader(short) }
  }

  @Test func aBackendWithoutInitHasItsOwn() throws {
    let page = try StatusPage(sharing: nil)
    page.begin()
    page.beginThread(0)
    page.storeState(3, at: 1)
    #expect(page.loadState(1) == 3)
    #expect(try StatusPage(sharing: nil).loadState(1) == 0)
  }

  private func write(_ value: UInt64, word: Int) throws {
    var value = value
    // SAFETY: eight bytes of ours.
    try systemCall { unsafe pwrite(memory, &value, 8, off_t(word * 8)) }
  }
}
