import Glibc
import Logging
import RingTransport
import SimulatedXen
import SystemPackage
import Testing

/// What init tells a spare, on its way.
struct BackendOrderTests {
  @Test(arguments: [
    BackendOrder(leaf: "backend/vbd/2/51712", arguments: []),
    BackendOrder(leaf: "backend/vif/2/0", arguments: ["--uplink", "tap:vif2.0"]),
    BackendOrder(
      leaf: "backend/vbd/2/51712", arguments: ["@a=b"],
      configuration: LeafConfiguration([
        "frontend": "/local/domain/2/device/vbd/51712", "params": "/dev/a b=c@d", "mode": "",
        "discard-enable": nil,
      ])),
    BackendOrder(leaf: "backend/vif/2/0", arguments: ["!", "--a"], isAhead: true),
    BackendOrder(leaf: "x", arguments: ["ip or arp", "", "100%", "ä\n\u{1}", "%20", "="]),
  ])
  func wordsArriveAsTheyWere(order: BackendOrder) {
    #expect(BackendOrder(bytes: order.bytes) == order)
    #expect(BackendOrder(bytes: order.bytes + [UInt8(ascii: "\n")]) == order)
    #expect(!order.bytes.contains(UInt8(ascii: "\n")))
  }

  @Test(arguments: [
    "", "\n", " a", "a\tb", "a%", "a%2", "a%2x", "a%00", "a%ff", "a\u{0}", "ä", "a\n\n", "a;b",
    "@a=b", "a @b=%", "a x@b", "!", "! ", "! !", "a !", "!a",
  ])
  func nonsenseIsRefused(text: String) {
    #expect(BackendOrder(bytes: Array(text.utf8)) == nil)
  }

  @Test func lengthsAreBounded() {
    let words = [String](repeating: "a", count: BackendOrder.wordCountMax)
    #expect(BackendOrder(bytes: Array(words.joined(separator: " ").utf8)) != nil)
    #expect(BackendOrder(bytes: Array((words + ["a"]).joined(separator: " ").utf8)) == nil)
    #expect(BackendOrder(bytes: Array((words + ["@a"]).joined(separator: " ").utf8)) == nil)
    let long = [UInt8](repeating: UInt8(ascii: "a"), count: BackendOrder.byteCountMax)
    #expect(BackendOrder(bytes: long) != nil)
    #expect(BackendOrder(bytes: long + long.prefix(1)) == nil)
  }

  @Test(arguments: testSeeds(count: 50))
  func noBytesDoHarm(seed: UInt64) {
    var generator = SeededGenerator(seed: seed)
    for _ in 0..<200 {
      let alphabet = Array("ab/% 20fF@=\n".utf8) + [0, 0x80, 0xff]
      let bytes = (0..<Int.random(in: 0...30, using: &generator)).map { _ in
        alphabet.randomElement(using: &generator) ?? 0
      }
      guard let order = BackendOrder(bytes: bytes) else { continue }
      #expect(BackendOrder(bytes: order.bytes) == order)
    }
  }

  /// An order comes with the page, and the spare's end becomes a program with its arguments.
  @Test func aSpareBecomesWhatItIsTold() throws {
    let ends = try Ends()
    let memory = try StatusPage.makeMemory()
    let reader = try StatusPageReader(memory.rawValue)
    try ends.orders.send(
      BackendOrder(
        leaf: "backend/vif/2/0", arguments: ["--size", "7"],
        configuration: LeafConfiguration(["rate": nil, "mac": "00:16:3e:00:00:01"])),
      status: memory)
    let spare = ToyProgram.read(["--spare", "--orders-descriptor", "4", "--log-level", "trace"])
    #expect(spare.mode == .spare(ordersDescriptor: 4))
    let found = try ToyProgram.takeOrder(from: ends.spare, spare: spare)
    let task = try #require(found)
    #expect(task.leaf == BackendLeaf("backend/vif/2/0"))
    #expect(task.options == 7)
    #expect(task.configuration.list(["mac", "rate"]) == ["00:16:3e:00:00:01", nil])
    #expect(task.configuration.list(["mac", "frontend"]) == nil)
    #expect(task.log.logLevel == Logger.Level.trace)
    #expect(reader.writer == getpid())
    task.status.beginThread(0)
    #expect(reader.heartbeatCount(of: 0) != nil, "it is the page that was passed")
  }

  /// The page is another process's until the turn comes, and the guest's time begins with it.
  @Test func anOrderAheadIsFollowedInItsTurn() throws {
    try LoopFixture.run(around: { (loop: consuming EventLoop) in loop }) { fixture in
      let ends = try Ends()
      let memory = try StatusPage.makeMemory()
      let reader = try StatusPageReader(memory.rawValue)
      try ends.sendOrderAhead(memory)
      let found = try ToyProgram.takeOrder(from: ends.spare, spare: ToyProgram.read([]))
      var task = try #require(found)
      #expect(reader.writer == nil)
      let readyAt = MonotonicClock.nanoseconds()
      try ends.orders.sendTurn()
      let isMyTurn = try task.awaitTurn(in: &fixture.loop)
      #expect(isMyTurn)
      #expect(reader.writer == getpid())
      #expect(task.startedAt > readyAt)
      // There is nothing more to wait for, as with an order that is followed at once.
      let isStillMyTurn = try task.awaitTurn(in: &fixture.loop)
      #expect(isStillMyTurn)
    }
  }

  @Test func aTurnThatNeverComes() throws {
    try LoopFixture.run(around: { (loop: consuming EventLoop) in loop }) { fixture in
      let ends = try Ends()
      let memory = try StatusPage.makeMemory()
      let reader = try StatusPageReader(memory.rawValue)
      try ends.sendOrderAhead(memory)
      let found = try ToyProgram.takeOrder(
        from: ends.withoutInit(), spare: ToyProgram.read([]))
      var task = try #require(found)
      let isMyTurn = try task.awaitTurn(in: &fixture.loop)
      #expect(!isMyTurn)
      #expect(reader.writer == nil)
    }
  }

  @Test func aClosedConnectionIsNoOrder() throws {
    let socket = try Ends().withoutInit()
    let task = try ToyProgram.takeOrder(from: socket, spare: ToyProgram.read([]))
    #expect(task == nil)
  }

  @Test(arguments: [
    (["nonsense"], "--path needs"), (["backend/vbd/2/51712"], "--path needs"),
    (["backend/vif/2/0", "--what"], "unknown argument '--what'"),
    (["backend/vif/2/0", "--help"], "no leaf"),
    (["backend/vif/2/0", "--spare"], "--path goes with none"),
    (["backend/vif/2/0", "--status-descriptor", "3"], "no leaf"),
  ])
  func ordersThatCannotBeFollowed(words: [String], text: String) throws {
    let ends = try Ends()
    let memory = try StatusPage.makeMemory()
    try ends.orders.send(
      BackendOrder(leaf: words[0], arguments: Array(words.dropFirst())), status: memory)
    do throws(BackendProcessError) {
      _ = try ToyProgram.takeOrder(from: ends.spare, spare: ToyProgram.read([]))
      Issue.record("followed")
    } catch {
      #expect(error.description.contains(text), "\(error)")
      guard case .order = error else {
        Issue.record("the exit status is 2")
        return
      }
    }
  }

  /// Bytes without a page, and too many of them: what whoever holds the other end could send.
  @Test func bareMessages() throws {
    let ends = try Ends()
    func sendBytes(_ bytes: [UInt8]) {
      // SAFETY: the array's bytes, for the time of the call.
      unsafe _ = Glibc.send(ends.orders.descriptor, bytes, bytes.count, 0)
    }
    sendBytes(Array("backend/vif/2/0".utf8))
    switch try ends.spare.receive() {
    case .order(let order, status: .none, let queues):
      #expect(order.leaf == "backend/vif/2/0" && queues.isEmpty)
    default: Issue.record("no order without a page")
    }
    sendBytes([UInt8](repeating: UInt8(ascii: "a"), count: BackendOrder.byteCountMax + 100))
    switch try ends.spare.receive() {
    case .malformed: break
    default: Issue.record("a message that was cut was taken")
    }
    let memory = try StatusPage.makeMemory()
    let long = [String](repeating: "a", count: BackendOrder.wordCountMax)
    do throws(Errno) {
      try ends.orders.send(BackendOrder(leaf: "a", arguments: long), status: memory)
      Issue.record("sent")
    } catch {
      #expect(error == .messageTooLong)
    }
  }

  /// A page and as many queues as there may be come in their order; one more is refused.
  @Test func queuesComeWithAnOrder() throws {
    let ends = try Ends()
    let order = BackendOrder(leaf: "backend/vif/2/0", arguments: [])
    let memory = try StatusPage.makeMemory()
    var queues: [HeldQueue] = []
    for _ in 0..<HeldQueue.countMax { queues.append(HeldQueue(try StatusPage.makeMemory())) }
    try ends.orders.send(order, status: memory, queues: queues)
    switch try ends.spare.receive() {
    case .order(order, status: .some(let page), queues: let received):
      #expect(Self.fileNumber(page.rawValue) == Self.fileNumber(memory.rawValue))
      let numbers = received.map { Self.fileNumber($0.descriptor) }
      #expect(numbers == queues.map { Self.fileNumber($0.descriptor) })
      #expect(Set(numbers).count == HeldQueue.countMax)
    default: Issue.record("not what was sent")
    }
    queues.append(HeldQueue(try StatusPage.makeMemory()))
    do throws(Errno) {
      try ends.orders.send(order, status: memory, queues: queues)
      Issue.record("sent")
    } catch {
      #expect(error == .invalidArgument)
    }
  }

  private static func fileNumber(_ descriptor: Int32) -> UInt64 {
    var status = stat()
    // SAFETY: a structure of ours, for the time of the call.
    return unsafe fstat(descriptor, &status) == 0 ? UInt64(status.st_ino) : 0
  }

  @Test func aSpareThatIsGoneIsAnError() throws {
    let orders = try Ends().withoutSpare()
    let memory = try StatusPage.makeMemory()
    do throws(Errno) {
      try orders.send(BackendOrder(leaf: "a", arguments: []), status: memory)
      Issue.record("sent")
    } catch {
      #expect([.brokenPipe, .connectionReset].contains(error))
    }
  }
}

/// Both ends of a connection.
private struct Ends: ~Copyable {
  let orders: OrderSocket
  let spare: OrderSocket

  init() throws {
    var end: OwnedFileDescriptor?
    let orders = try OrderSocket(spare: &end)
    guard let end = end.take() else { throw Errno.badFileDescriptor }
    self.orders = orders
    spare = OrderSocket(adopting: end)
  }

  func sendOrderAhead(_ page: borrowing OwnedFileDescriptor) throws {
    try orders.send(
      BackendOrder(leaf: "backend/vif/2/0", arguments: [], isAhead: true), status: page)
  }

  /// Closes init's end.
  consuming func withoutInit() -> OrderSocket { spare }

  /// Closes the spare's end.
  consuming func withoutSpare() -> OrderSocket { orders }
}

/// A program without a device.
private enum ToyProgram: BackendProgram {
  static let name = "toy"
  static let helpText = ""

  static func read(_ arguments: [String]) -> BackendArguments<Int> {
    BackendArguments(
      arguments, options: 0, example: "backend/vif/2/0", accepts: { !$0.isDisk }
    ) { options, argument, value in
      guard argument == "--size" else { return .unknown }
      options = value().flatMap { Int($0) } ?? 0
      return .taken
    }
  }

  static func furtherThreadCount(_ task: BackendTask<Int>) -> Int { 0 }
  static func sandbox(_ options: Int) -> SandboxPolicy? { nil }
  static func open(_ request: Opener.Request) -> Opener.Answer {
    Opener.Answer(bytes: [], file: nil)
  }

  static func serve(
    _ task: BackendTask<Int>, hypervisor: consuming XenHypervisor, loop: consuming EventLoop,
    store: consuming XenStoreClient<XenStoreConnection>
  ) throws(BackendProcessError) {}
}
