import RingTransport
import SimulatedXen
import Testing

/// Watches: what is told, to whom, and that a flood stays bounded (XSA-349).
@Suite struct XenStoreWatchTests {
  let store = SimulatedXenStore()
  let domain = DomainIdentifier(rawValue: 5)
  let guest = DomainIdentifier(rawValue: 7)
  let frontend: XenStorePath = "/local/domain/7/device/vbd/51712"

  init() {
    store.introduce(domain)
    store.introduce(guest)
    store.commit { batch in
      batch.makeDirectory(frontend, [.init(.none, guest), .init(.read, domain)])
    }
  }

  @Test func aWatchFiresAtOnceAndForWhatIsBelow() throws {
    var client = XenStoreClient(store.connect(as: domain))
    _ = try client.perform([.watch(frontend, token: "f")], timeoutMilliseconds: 100)
    store.write(frontend.appending("state"), "3", as: guest)
    store.write(frontend.appending("state"), "4", as: guest)
    #expect(try drain(&client) == [.watch(path: frontend, token: "f"), state("f")])
    store.write(frontend.appending("state"), "5", as: guest)
    #expect(try drain(&client) == [state("f")])
  }

  @Test func aRelativeWatchHasRelativeEvents() throws {
    var client = XenStoreClient(store.connect(as: domain))
    _ = try client.perform([.watch("control", token: "c")], timeoutMilliseconds: 100)
    _ = try drain(&client)
    store.write("/local/domain/5/control/shutdown", "poweroff")
    // C xenstored tells a relative watch nothing about nodes that the domain may not read.
    #expect(try drain(&client) == [.watch(path: "control/shutdown", token: "c")])
  }

  @Test func unreadableNodesAreNotTold() throws {
    var client = XenStoreClient(store.connect(as: domain))
    _ = try client.perform([.watch("/local/domain/7", token: "g")], timeoutMilliseconds: 100)
    _ = try drain(&client)
    store.write("/local/domain/7/data/secret", "1", as: guest)
    #expect(try drain(&client) == [])
  }

  @Test func aFloodOfNodesBecomesOneEventForTheWatchedPath() throws {
    var client = XenStoreClient(store.connect(as: domain))
    _ = try client.perform([.watch(frontend, token: "f")], timeoutMilliseconds: 100)
    _ = try drain(&client)
    for number in 0..<500 {
      store.write(frontend.appending("junk-\(number)"), "x", as: guest)
    }
    let events = try drain(&client)
    #expect(events.count == 65)
    #expect(events.last == .watch(path: frontend, token: "f"))
    // After the flood single events are told again.
    store.write(frontend.appending("state"), "4", as: guest)
    #expect(try drain(&client) == [state("f")])
  }

  @Test func anEndedWatchIsSilentAtOnce() throws {
    var client = XenStoreClient(store.connect(as: domain))
    _ = try client.perform([.watch(frontend, token: "f")], timeoutMilliseconds: 100)
    store.write(frontend.appending("state"), "3", as: guest)
    let results = try client.perform([.unwatch(frontend, token: "f")], timeoutMilliseconds: 100)
    #expect(results == [.success(.done)])
    store.write(frontend.appending("state"), "4", as: guest)
    #expect(try drain(&client) == [])
  }

  @Test func aRemovedTreeTellsTheWatchOfItsOwnPath() throws {
    var client = XenStoreClient(store.connect(as: domain))
    store.write(frontend.appending("state"), "1", as: guest)
    _ = try client.perform(
      [.watch(frontend.appending("state"), token: "s")], timeoutMilliseconds: 100)
    _ = try drain(&client)
    store.write(frontend, nil)
    #expect(try drain(&client) == [state("s")])
  }

  private func state(_ token: String) -> XenStoreEvent {
    .watch(path: frontend.appending("state"), token: token)
  }

  private func drain(
    _ client: inout XenStoreClient<SimulatedXenStoreTransport>
  ) throws -> [XenStoreEvent] {
    try client.process()
    var events: [XenStoreEvent] = []
    while let event = client.nextEvent() { events.append(event) }
    return events
  }
}
