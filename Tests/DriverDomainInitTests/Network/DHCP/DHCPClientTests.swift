import Testing

@testable import DriverDomainInit

@Suite struct DHCPClientTests {
  typealias Client = DHCPClient<SeededGenerator>
  private var client = Client(
    hardwareAddress: HardwareAddress([2, 0, 0, 0, 0, 1]) ?? .broadcast,
    chance: SeededGenerator(seed: 1))
  private var server = DHCPServer()

  /// The one message that the actions send.
  private func sent(_ actions: [Client.Action]) throws -> (DHCPDatagram, HardwareAddress) {
    let all = actions.compactMap { action -> (DHCPDatagram, HardwareAddress)? in
      if case .send(let datagram, let address) = action { (datagram, address) } else { nil }
    }
    #expect(all.count == 1)
    return try #require(all.first)
  }

  private mutating func receive(_ message: DHCPMessage, at now: UInt64) -> [Client.Action] {
    client.handle(.received(message, from: server.hardwareAddress), now: now)
  }

  /// From the start to an address, lent at 1000 ms.
  private mutating func bind() throws -> DHCPLease {
    let (discover, _) = try sent(client.handle(.linkUp, now: 0))
    let (request, _) = try sent(receive(server.reply(.offer, to: discover.message), at: 1000))
    let actions = receive(server.reply(.acknowledge, to: request.message), at: 1500)
    let lease = try #require(client.lease)
    #expect(actions == [.configure(lease)])
    return lease
  }

  @Test mutating func addressIsLent() throws {
    let (discover, target) = try sent(client.handle(.linkUp, now: 0))
    #expect(discover.message.kind == .discover)
    #expect(discover.source == 0)
    #expect(discover.destination == DHCPDatagram.broadcast)
    #expect(target == .broadcast)
    let (request, _) = try sent(receive(server.reply(.offer, to: discover.message), at: 1000))
    #expect(request.message.kind == .request)
    #expect(request.message.transaction == discover.message.transaction)
    #expect(request.message.number(.requestedAddress) == server.lends)
    #expect(request.message.number(.server) == server.address)
    #expect(request.message.clientAddress == 0)
    #expect(client.lease == nil)
    let actions = receive(server.reply(.acknowledge, to: request.message), at: 1500)
    let lease = try #require(client.lease)
    #expect(actions == [.configure(lease)])
    #expect(lease.address.description == "192.0.2.7/24")
    #expect(lease.router?.description == "192.0.2.1")
    // The time counts from the request, not from its answer.
    #expect(lease.expiresAt == 1000 + 3_600_000)
    #expect(client.nextDeadline == 1000 + 1_800_000)
  }

  @Test mutating func silenceIsAnsweredWithPatience() throws {
    var now: UInt64 = 0
    var delays: [UInt64] = []
    _ = client.handle(.linkUp, now: now)
    for _ in 0..<8 {
      let deadline = try #require(client.nextDeadline)
      delays.append(deadline - now)
      #expect(client.handle(.timeReached, now: deadline - 1) == [])
      now = deadline
      #expect(try sent(client.handle(.timeReached, now: now)).0.message.kind == .discover)
    }
    for (delay, seconds) in zip(delays, [4, 8, 16, 32, 64, 64, 64, 64]) {
      #expect((UInt64(seconds - 1) * 1000...UInt64(seconds + 1) * 1000).contains(delay))
    }
  }

  @Test mutating func offerThatIsNotKeptIsForgotten() throws {
    let (discover, _) = try sent(client.handle(.linkUp, now: 0))
    _ = receive(server.reply(.offer, to: discover.message), at: 1)
    var kinds: [DHCPMessage.Kind?] = []
    for _ in 0..<DHCPTiming.requestCountMax {
      let deadline = try #require(client.nextDeadline)
      kinds.append(try sent(client.handle(.timeReached, now: deadline)).0.message.kind)
    }
    #expect(kinds == [.request, .request, .request, .discover])
  }

  @Test mutating func refusalStartsAnew() throws {
    let (discover, _) = try sent(client.handle(.linkUp, now: 0))
    let (request, _) = try sent(receive(server.reply(.offer, to: discover.message), at: 1))
    let actions = receive(server.reply(.refuse, to: request.message), at: 2)
    #expect(try sent(actions).0.message.kind == .discover)
    #expect(client.state == .selecting)
  }

  @Test mutating func leaseIsProlongedByItsServer() throws {
    let lease = try bind()
    let now = try #require(lease.renewAt)
    let (request, target) = try sent(client.handle(.timeReached, now: now))
    #expect(target == server.hardwareAddress)
    #expect(request.destination == server.address)
    #expect(request.source == lease.number)
    #expect(request.message.clientAddress == lease.number)
    #expect(request.message.number(.server) == nil)
    #expect(request.message.number(.requestedAddress) == nil)
    #expect(receive(server.reply(.acknowledge, to: request.message), at: now + 5) == [])
    #expect(client.lease?.expiresAt == now + 3_600_000)
    #expect(client.nextDeadline == now + 1_800_000)
  }

  @Test mutating func anyServerIsAskedLaterAndThenTheAddressGoes() throws {
    let lease = try bind()
    var targets: [HardwareAddress] = []
    var actions: [Client.Action] = []
    while client.lease != nil {
      let deadline = try #require(client.nextDeadline)
      actions = client.handle(.timeReached, now: deadline)
      let (request, target) = try sent(actions)
      guard client.lease != nil else {
        #expect(request.message.kind == .discover)
        #expect(deadline == lease.expiresAt)
        break
      }
      #expect((target == .broadcast) == (deadline >= lease.rebindAt ?? 0))
      targets.append(target)
      #expect(targets.count < 50)
    }
    #expect(actions.first == .deconfigure(lease))
    #expect(targets.first == server.hardwareAddress)
    #expect(targets.last == .broadcast)
  }

  @Test mutating func otherAddressReplacesTheOld() throws {
    let old = try bind()
    let now = try #require(old.renewAt)
    let (request, _) = try sent(client.handle(.timeReached, now: now))
    server.lends += 1
    let actions = receive(server.reply(.acknowledge, to: request.message), at: now + 5)
    let new = try #require(client.lease)
    #expect(actions == [.deconfigure(old), .configure(new)])
  }

  @Test mutating func refusedRenewalTakesTheAddressAway() throws {
    let lease = try bind()
    let (request, _) = try sent(client.handle(.linkUp, now: 5000))
    #expect(request.message.clientAddress == lease.number)
    let actions = receive(server.reply(.refuse, to: request.message), at: 5001)
    #expect(actions.first == .deconfigure(lease))
    #expect(try sent(actions).0.message.kind == .discover)
    #expect(client.lease == nil)
  }

  @Test mutating func answersToOthersAreIgnored() throws {
    let (discover, _) = try sent(client.handle(.linkUp, now: 0))
    var other = server.reply(.offer, to: discover.message)
    other.transaction &+= 1
    #expect(receive(other, at: 1) == [])
    var neighbour = server.reply(.offer, to: discover.message)
    neighbour.hardwareAddress = .broadcast
    #expect(receive(neighbour, at: 1) == [])
    var request = server.reply(.offer, to: discover.message)
    request.isReply = false
    #expect(receive(request, at: 1) == [])
    #expect(receive(server.reply(.acknowledge, to: discover.message), at: 1) == [])
    #expect(client.state == .selecting)
  }

  @Test(arguments: [
    (DHCPMessage.Option.subnetMask, [UInt8]?.none), (.subnetMask, [0, 0, 0, 0]),
    (.subnetMask, [255, 0, 255, 0]), (.leaseSeconds, nil), (.leaseSeconds, [0, 0, 0, 59]),
    (.leaseSeconds, [1, 2]), (.server, nil),
  ])
  mutating func uselessOfferIsIgnored(option: DHCPMessage.Option, value: [UInt8]?) throws {
    let (discover, _) = try sent(client.handle(.linkUp, now: 0))
    var offer = server.reply(.offer, to: discover.message)
    offer[option] = value
    let actions = receive(offer, at: 1)
    guard case .log = actions.first, actions.count == 1 else {
      Issue.record("\(actions)")
      return
    }
    #expect(client.state == .selecting)
  }

  @Test(arguments: [0, 0x7F00_0001, 0xE000_0001, 0xFFFF_FFFF] as [UInt32])
  mutating func impossibleAddressIsIgnored(address: UInt32) throws {
    let (discover, _) = try sent(client.handle(.linkUp, now: 0))
    server.lends = address
    _ = receive(server.reply(.offer, to: discover.message), at: 1)
    #expect(client.state == .selecting)
  }

  @Test mutating func leaseForEverHasNoDeadline() throws {
    server.seconds = UInt32.max
    let lease = try bind()
    #expect(lease.expiresAt == nil)
    #expect(client.nextDeadline == nil)
  }

  /// Any history of answers and silence: addresses come and go in turn, and time always moves on.
  @Test func anyHistoryKeepsTheRules() {
    let seed = SeededGenerator.seed(for: "dhcp client")
    for run in 0..<300 {
      var chance = SeededGenerator(seed: seed &+ UInt64(run))
      var client = Client(
        hardwareAddress: HardwareAddress([2, 0, 0, 0, 0, 1]) ?? .broadcast, chance: chance)
      var server = DHCPServer()
      var now: UInt64 = 0
      var last: DHCPMessage?
      var configured: DHCPLease?
      for _ in 0..<200 {
        var event = Client.Event.timeReached
        if let last, Int.random(in: 0..<3, using: &chance) > 0 {
          let kinds: [DHCPMessage.Kind] = [.offer, .acknowledge, .acknowledge, .refuse]
          server.lends &+= UInt32.random(in: 0...1, using: &chance)
          server.seconds = [60, 3600, UInt32.max].randomElement(using: &chance) ?? 60
          let kind = kinds.randomElement(using: &chance) ?? .offer
          event = .received(server.reply(kind, to: last), from: server.hardwareAddress)
        } else if client.nextDeadline == nil || Int.random(in: 0..<8, using: &chance) == 0 {
          event = .linkUp
        } else {
          now = max(now, client.nextDeadline ?? now)
        }
        now += UInt64.random(in: 0...2000, using: &chance)
        let actions = client.handle(event, now: now)
        for action in actions {
          switch action {
          case .send(let datagram, _): last = datagram.message
          case .configure(let lease):
            #expect(configured == nil, "run \(run)")
            configured = lease
          case .deconfigure(let lease):
            #expect(configured?.address == lease.address, "run \(run)")
            configured = nil
          case .log: break
          }
        }
        #expect(client.lease?.address == configured?.address, "run \(run)")
        if event == .timeReached, let deadline = client.nextDeadline {
          #expect(deadline > now, "run \(run): a deadline that was reached does not come again")
        }
      }
    }
  }
}
