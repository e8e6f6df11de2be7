import RingTransport
import SimulatedXen
import Testing

private typealias Results = [Result<XenStoreReply, XenStoreError>]

/// The client against the simulated xenstored, as domain 5 with guest 7.
@Suite struct XenStoreClientTests {
  let store = SimulatedXenStore()
  let domain = DomainIdentifier(rawValue: 5)
  let guest = DomainIdentifier(rawValue: 7)

  init() {
    store.introduce(domain)
    store.introduce(guest)
  }

  @Test func operationsAnswerInTheirOrder() throws {
    var client = XenStoreClient(store.connect(as: domain))
    let results = try client.perform(
      [
        .write("data/a", "1"), .read("data/a"), .makeDirectory("data/b"), .list("data"),
        .permissions("data/a"), .setPermissions("data/a", [.init(.read, domain)]),
        .remove("data/b"), .remove("data/never"), .read("data/b"), .domainPath(guest),
        .read("/local/domain/7/data"), .write("/local/domain/7/x", ""),
      ], timeoutMilliseconds: 1000)
    let expected: Results = [
      .success(.done), .success(.value("1")), .success(.done), .success(.list(["a", "b"])),
      .success(.permissions([.init(.none, domain)])), .success(.done),
      .success(.done), .success(.done), .failure(.noEntry),
      .success(.value("/local/domain/7")), .failure(.accessDenied), .failure(.accessDenied),
    ]
    #expect(results == expected)
    #expect(store.permissions("/local/domain/5/data/a") == [.init(.read, domain)])
  }

  @Test func anEmptyBatchCompletes() throws {
    var client = XenStoreClient(store.connect(as: domain))
    let results = try client.perform([], transaction: true, timeoutMilliseconds: 0)
    #expect(results.isEmpty)
  }

  @Test func aTransactionIsSeenAtOnceOrNotAtAll() throws {
    var client = XenStoreClient(store.connect(as: domain))
    var seen: [String] = []
    store.observe("/local/domain/5/data") { [unowned store] _ in
      seen.append(store.tree(below: "/local/domain/5/data").count.description)
    }
    seen = []
    let results = try client.perform(
      [.read("data/missing"), .write("data/a", "1"), .write("data/b", "2")],
      transaction: true, timeoutMilliseconds: 1000)
    #expect(results == [.failure(.noEntry), .success(.done), .success(.done)])
    #expect(seen == ["3", "3"])
  }

  @Test func aFailingWriteUndoesItsTransaction() throws {
    var client = XenStoreClient(store.connect(as: domain))
    let results = try client.perform(
      [.write("data/a", "1"), .write("/local/domain/7/x", ""), .read("data/a")],
      transaction: true, timeoutMilliseconds: 1000)
    #expect(results == [.failure(.aborted), .failure(.accessDenied), .success(.value("1"))])
    #expect(store.read("/local/domain/5/data/a") == nil)
  }

  @Test func aConflictIsRetriedWithFreshReads() throws {
    let transport = store.connect(as: domain)
    store.write("/local/domain/5/data/a", "old", as: domain)
    // Somebody else writes while the transaction is open: at its first read.
    transport.connection.beforeAnswering = { [unowned store] message in
      guard message.kind == .read else { return true }
      store.write("/local/domain/5/data/a", "new", as: .dom0)
      return false
    }
    let connection = transport.connection
    var client = XenStoreClient(transport)
    let results = try client.perform(
      [.read("data/a"), .write("data/b", "")], transaction: true, timeoutMilliseconds: 1000)
    #expect(results == [.success(.value("new")), .success(.done)])
    #expect(connection.conflictCount == 1)
  }

  @Test func anEndlessConflictEndsInAnError() throws {
    let transport = store.connect(as: domain, faults: StoreFaults(conflictPercent: 100))
    let connection = transport.connection
    var client = XenStoreClient(transport)
    let results = try client.perform(
      [.write("data/a", "")], transaction: true, timeoutMilliseconds: 1000)
    #expect(results == [.failure(.again)])
    #expect(connection.conflictCount == 64)
    connection.faults.conflictPercent = 0
    let later = try client.perform(
      [.write("data/a", "")], transaction: true, timeoutMilliseconds: 1000)
    #expect(later == [.success(.done)])
  }

  @Test func aListingLongerThanAMessageComesWhole() throws {
    let names = (0..<400).map { "a-rather-long-name-of-a-node-\($0)" }
    for name in names {
      store.write(XenStorePath("/local/domain/5/data").appending(name), "", as: domain)
    }
    var client = XenStoreClient(store.connect(as: domain))
    let results = try client.perform([.list("data")], timeoutMilliseconds: 1000)
    #expect(results == [.success(.list(names))])
  }

  @Test func aListingThatChangesStartsAgain() throws {
    for number in 0..<400 {
      store.write(
        XenStorePath("/local/domain/5/data").appending("a-rather-long-name-\(number)"), "",
        as: domain)
    }
    let transport = store.connect(as: domain)
    transport.connection.beforeAnswering = { [unowned store] message in
      let isSecondPiece = message.kind == .directoryPart && message.payload.count > 7
      if isSecondPiece { store.write("/local/domain/5/data/a-rather-long-name-0", nil) }
      return !isSecondPiece
    }
    var client = XenStoreClient(transport)
    let results = try client.perform([.list("data")], timeoutMilliseconds: 1000)
    guard case .success(.list(let names)) = try #require(results.first) else {
      Issue.record("no list")
      return
    }
    #expect(names == store.list("/local/domain/5/data"))
    #expect(names.count == 399)
  }

  @Test func whatDoesNotFitIntoAMessageIsRefusedHere() throws {
    var client = XenStoreClient(store.connect(as: domain))
    let results = try client.perform(
      [.write("data/a", String(repeating: "x", count: 4080)), .write("data/b", "")],
      timeoutMilliseconds: 1000)
    #expect(results == [.failure(.tooBig), .success(.done)])
  }

  @Test func requestsGoOutOneAWriteAndAreBounded() throws {
    let transport = store.connect(as: domain)
    let connection = transport.connection
    var client = XenStoreClient(transport)
    let batch = client.submit((0..<100).map { .write("data/a", "\($0)") })
    #expect(connection.requestCount == 16)
    var event: XenStoreEvent?
    for _ in 0..<100 where event == nil {
      try client.process()
      event = client.nextEvent()
    }
    #expect(event == .completed(batch, Array(repeating: .success(.done), count: 100)))
    #expect(connection.messagesInOneWriteMax == 1)
    #expect(store.read("/local/domain/5/data/a") == "99")
  }
}
