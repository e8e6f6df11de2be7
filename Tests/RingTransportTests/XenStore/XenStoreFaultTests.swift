import RingTransport
import SimulatedXen
import SystemPackage
import Testing

/// Broken and hostile servers, and connections that deliver in pieces.
@Suite struct XenStoreFaultTests {
  let store = SimulatedXenStore()
  let domain = DomainIdentifier(rawValue: 5)

  init() {
    store.introduce(domain)
  }

  @Test(arguments: testSeeds(count: 100))
  func nothingIsLostInPiecesAndDisorder(seed: UInt64) throws {
    let orders: [StoreFaults.ReplyOrder] = [.inOrder, .device, .any]
    let faults = StoreFaults(
      seed: seed, chunkByteCountMax: seed % 2 == 0 ? 1 : 40, wouldBlockPercent: 50,
      conflictPercent: 30, replyOrder: orders[Int(seed % 3)])
    var client = XenStoreClient(store.connect(as: domain, faults: faults))
    var expected: [XenStoreBatchIdentifier: [Result<XenStoreReply, XenStoreError>]] = [:]
    for number in 0..<8 {
      let path = XenStorePath("data").appending("node-\(number)")
      let isTransaction = number % 2 == 0
      var operations: [XenStoreOperation] = [
        .write(path, "\(number)"), .read(path), .read("data/missing"),
      ]
      var results: [Result<XenStoreReply, XenStoreError>] = [
        .success(.done), .success(.value("\(number)")), .failure(.noEntry),
      ]
      if !isTransaction {
        operations.append(.watch(path, token: "t"))
        results.append(.success(.done))
      }
      expected[client.submit(operations, transaction: isTransaction)] = results
    }
    var watched: Set<XenStorePath> = []
    for _ in 0..<100_000 where !expected.isEmpty || watched.count < 4 {
      try client.process()
      while let event = client.nextEvent() {
        switch event {
        case .watch(let path, _): watched.insert(path)
        case .completed(let batch, let results):
          #expect(expected.removeValue(forKey: batch) == results)
        }
      }
    }
    #expect(expected.isEmpty && watched.count == 4)
  }

  @Test(
    arguments: [
      // A payload above XENSTORE_PAYLOAD_MAX.
      ([2, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1, 0x10, 0, 0], .payloadLength(4097)),
      // A reply to nothing.
      (
        [2, 0, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
        .unexpectedReply(requestIdentifier: 9)
      ),
      // A reply of another type, and of a type that there is not.
      ([11, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], .replyType(11, expected: 1)),
      ([99, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], .replyType(99, expected: 1)),
      // A watch event without token, and one with a path that cannot be.
      ([15, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0x61, 0], .payload(type: 15)),
      ([15, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0, 0, 0, 0x2E, 0, 0x61, 0], .payload(type: 15)),
      // A listing with an empty name and one with a slash in it, an error without a name.
      ([1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0], .payload(type: 1)),
      ([1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0x2F, 0], .payload(type: 1)),
      ([16, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], .payload(type: 16)),
    ] as [([UInt8], XenStoreFailure.Malformation)])
  func aMalformedMessageIsATypedFailure(
    bytes: [UInt8], malformation: XenStoreFailure.Malformation
  ) throws {
    let transport = store.connect(as: domain)
    let connection = transport.connection
    connection.beforeAnswering = { _ in false }
    connection.answersNothing = true
    var client = XenStoreClient(transport)
    _ = client.submit([.list("data")])
    connection.inject(bytes)
    #expect(throws: XenStoreFailure.malformed(malformation)) { try client.process() }
    #expect(throws: XenStoreFailure.malformed(malformation)) { try client.process() }
  }

  @Test func aTransactionWithoutANumberIsMalformed() throws {
    let transport = store.connect(as: domain)
    let connection = transport.connection
    connection.answersNothing = true
    var client = XenStoreClient(transport)
    _ = client.submit([.write("data/a", "1")], transaction: true)
    connection.inject([6, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0x30, 0])
    #expect(throws: XenStoreFailure.malformed(.payload(type: 6))) { try client.process() }
  }

  @Test func aBatchThatTimedOutIsUndoneAndSilent() throws {
    let transport = store.connect(as: domain)
    let connection = transport.connection
    connection.faults.wouldBlockPercent = 100
    var client = XenStoreClient(transport)
    _ = client.submit([.read("data")], transaction: true)
    #expect(throws: XenStoreFailure.timedOut) {
      try client.perform([.write("data/a", "1")], transaction: true, timeoutMilliseconds: 0)
    }
    connection.faults.wouldBlockPercent = 0
    let results = try client.perform(
      [.write("data/b", "2")], transaction: true, timeoutMilliseconds: 1000)
    #expect(results == [.success(.done)])
    #expect(store.list("/local/domain/5/data") == ["b"])
    #expect(connection.openTransactionCount == 0)
    let events = [client.nextEvent(), client.nextEvent()]
    guard case .completed(_, [.success(.value(""))]) = events[0] else {
      Issue.record("the batch before it completes")
      return
    }
    #expect(events[1] == nil)
  }

  @Test(arguments: testSeeds(count: 200))
  func randomBytesNeverTrap(seed: UInt64) {
    var generator = SeededGenerator(seed: seed)
    let transport = store.connect(as: domain)
    let connection = transport.connection
    connection.answersNothing = true
    var client = XenStoreClient(transport)
    _ = client.submit([.list("data"), .permissions("data"), .watch("data", token: "t")])
    _ = client.submit([.read("data")], transaction: true)
    for _ in 0..<20 {
      var bytes: [UInt8] = []
      for field in 0..<4 {
        let range: ClosedRange<UInt8> = field == 3 ? 0...40 : field == 0 ? 0...23 : 0...5
        bytes += [UInt8.random(in: range, using: &generator), 0, 0, 0]
      }
      for _ in 0..<bytes[12] {
        bytes.append([0, 0x2F, 0x61, 0x72, 0x37, 0xFF].randomElement(using: &generator) ?? 0)
      }
      connection.inject(bytes)
      try? client.process()
      while client.nextEvent() != nil {}
    }
  }

  @Test func aServerThatIsGoneFailsTheNextProcess() {
    let transport = store.connect(as: domain)
    let connection = transport.connection
    var client = XenStoreClient(transport)
    connection.close()
    _ = client.submit([.read("data")])
    #expect(throws: XenStoreFailure.transport(.brokenPipe)) { try client.process() }
  }

  @Test func aWriteErrorOfTheDeviceIsTheAnswerToItsRequest() throws {
    let transport = store.connect(as: domain)
    transport.connection.writeError = .noSpace
    let connection = transport.connection
    var client = XenStoreClient(transport)
    let failed = try client.perform([.watch("data", token: "t")], timeoutMilliseconds: 100)
    #expect(failed == [.failure(.quotaExceeded)])
    connection.writeError = nil
    let results = try client.perform([.read("data")], timeoutMilliseconds: 100)
    #expect(results == [.success(.value(""))])
  }
}
