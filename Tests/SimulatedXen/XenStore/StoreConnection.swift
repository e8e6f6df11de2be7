package import RingTransport
package import SystemPackage

/// One client's connection to a ``SimulatedXenStore``, seen from the server.
package final class StoreConnection {
  struct Watch {
    var path: XenStorePath
    /// As the client spelled it; events are spelled in the same way.
    var spelledPath: XenStorePath
    var token: String
    var deliver: ((XenStorePath) -> Void)?
  }

  struct Transaction {
    /// The tree as it was when the transaction started.
    var base: StoreTree
    var tree: StoreTree
  }

  /// Who is at the other end.
  package let domain: DomainIdentifier
  /// How many requests were answered, of all types.
  package internal(set) var requestCount = 0
  /// How many commits were refused with EAGAIN.
  package internal(set) var conflictCount = 0
  /// What goes wrong from now on.
  package var faults: StoreFaults
  /// Called with each request before it is answered, until it returns false: the place where
  /// something else happens at the worst moment.
  package var beforeAnswering: ((XenStoreMessage) -> Bool)?
  /// Lets requests go unanswered.
  package var answersNothing = false
  /// Makes every write fail, as the xenbus device does with a watch that xenstored refuses.
  package var writeError: Errno?
  /// How many messages the largest write had: the xenbus device takes one.
  package private(set) var messagesInOneWriteMax = 0

  unowned let store: SimulatedXenStore
  var generator: SeededGenerator
  var watches: [Watch] = []
  var transactions: [UInt32: Transaction] = [:]
  /// How many transactions the client has open.
  package var openTransactionCount: Int { transactions.count }
  var lastTransaction: UInt32 = 0
  private var reader = XenStoreMessageReader()
  private var undelivered: [XenStoreMessage] = []
  private var outgoing: [UInt8] = []
  private(set) var isClosed = false

  init(_ store: SimulatedXenStore, _ domain: DomainIdentifier, _ faults: StoreFaults) {
    self.store = store
    self.domain = domain
    self.faults = faults
    generator = SeededGenerator(seed: faults.seed)
  }

  /// Ends the connection as a server does that goes away; watches and transactions end with it.
  package func close() {
    isClosed = true
    watches = []
    transactions = [:]
  }

  /// Puts bytes of the test's choice in front of what the client reads next.
  package func inject(_ bytes: [UInt8]) {
    moveToOutgoing()
    outgoing += bytes
  }

  /// Whether a read has something to return.
  var hasOutput: Bool { isClosed || !outgoing.isEmpty || !undelivered.isEmpty }

  func send(_ message: XenStoreMessage) {
    guard !isClosed else { return }
    let concernsWatch = message.kind == .watch || message.kind == .unwatch
    switch faults.replyOrder {
    case .any where message.kind != .watchEvent, .device where concernsWatch:
      let index = Int.random(in: 0...undelivered.count, using: &generator)
      undelivered.insert(message, at: index)
    default:
      undelivered.append(message)
    }
  }

  func takeInput(_ bytes: [UInt8]) -> Int? {
    guard let count = chunk(of: bytes.count) else { return nil }
    reader.append(bytes[..<count])
    var messageCount = 0
    while let message = try? reader.next() {
      messageCount += 1
      requestCount += 1
      if let hook = beforeAnswering, !hook(message) { beforeAnswering = nil }
      if !answersNothing { store.answer(message, on: self) }
    }
    messagesInOneWriteMax = max(messagesInOneWriteMax, messageCount)
    return count
  }

  func giveOutput(byteCountMax: Int) -> [UInt8]? {
    if outgoing.isEmpty { moveToOutgoing() }
    if outgoing.isEmpty { return isClosed ? [] : nil }
    guard let count = chunk(of: min(byteCountMax, outgoing.count)) else { return nil }
    let bytes = Array(outgoing[..<count])
    outgoing.removeFirst(count)
    return bytes
  }

  private func moveToOutgoing() {
    for message in undelivered {
      outgoing += message.bytes
    }
    undelivered = []
  }

  private func chunk(of count: Int) -> Int? {
    if generator.chance(percent: faults.wouldBlockPercent) { return nil }
    guard faults.chunkByteCountMax < count else { return count }
    return Int.random(in: 1...faults.chunkByteCountMax, using: &generator)
  }
}

/// The client's end of a ``StoreConnection``.
package struct SimulatedXenStoreTransport: XenStoreTransport, ~Copyable {
  /// The server's end.
  package let connection: StoreConnection

  init(_ connection: StoreConnection) {
    self.connection = connection
  }

  /// There is no descriptor to poll; a test calls `process` when it likes.
  package var fileDescriptor: Int32 { -1 }

  /// A forced error stands for the device's; a closed connection is the end all the same.
  package var answersWithWriteErrors: Bool { connection.writeError != nil }

  /// Takes what the server has, cut as the faults have it.
  package mutating func read(into buffer: inout MutableRawSpan) throws(Errno) -> Int? {
    guard let bytes = connection.giveOutput(byteCountMax: buffer.byteCount) else { return nil }
    for (index, byte) in bytes.enumerated() {
      buffer.storeBytes(of: byte, toByteOffset: index, as: UInt8.self)
    }
    return bytes.count
  }

  /// Gives the server what it takes, cut as the faults have it.
  package mutating func write(_ bytes: RawSpan) throws(Errno) -> Int? {
    if connection.isClosed { throw .brokenPipe }
    if let error = connection.writeError { throw error }
    var copy: [UInt8] = []
    for index in 0..<bytes.byteCount {
      // SAFETY: any byte is a valid UInt8; the offset is checked.
      copy.append(unsafe bytes.unsafeLoad(fromByteOffset: index, as: UInt8.self))
    }
    return connection.takeInput(copy)
  }

  /// Never waits: nothing happens in this world but what its one thread does.
  package mutating func wait(
    forWriting: Bool, timeoutMilliseconds: Int
  ) throws(Errno) -> Bool {
    forWriting || connection.hasOutput
  }
}
