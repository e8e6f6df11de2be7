/// Gets an address from a DHCP server and keeps it (RFC 2131, 4.4). It does no I/O: events in,
/// actions out.
///
/// It does not probe whether somebody else has the address (4.4.1 asks for it where it makes
/// sense): the servers that lend addresses to virtual machines do that themselves.
///
/// Times are milliseconds of the monotonic clock, given with each event.
struct DHCPClient<Chance: RandomNumberGenerator> {
  /// What happened.
  enum Event: Equatable {
    /// The network can be reached (again).
    case linkUp
    /// A message for the client's port, and the hardware address that it came from.
    case received(DHCPMessage, from: HardwareAddress)
    /// The deadline that `nextDeadline` gave has passed.
    case timeReached
  }

  /// What to do, in order.
  enum Action: Equatable {
    case send(DHCPDatagram, to: HardwareAddress)
    /// Give the interface this address.
    case configure(DHCPLease)
    /// Take it away.
    case deconfigure(DHCPLease)
    case log(String)
  }

  /// How far the client is.
  enum State: Equatable {
    /// Nothing is connected yet.
    case stopped
    /// Asks for offers.
    case selecting
    /// Asked for one of them.
    case requesting(DHCPLease)
    case bound(DHCPLease)
    /// Asks the server for more time.
    case renewing(DHCPLease)
    /// Asks any server.
    case rebinding(DHCPLease)
  }

  private(set) var state = State.stopped
  let hardwareAddress: HardwareAddress
  private var chance: Chance
  private(set) var transaction: UInt32 = 0
  private var attempt = 0
  private var startedAt: UInt64 = 0
  private var sentAt: UInt64 = 0
  /// When the current state acts by itself.
  private(set) var nextDeadline: UInt64?

  init(hardwareAddress: HardwareAddress, chance: Chance) {
    self.hardwareAddress = hardwareAddress
    self.chance = chance
  }

  /// The address in use.
  var lease: DHCPLease? {
    switch state {
    case .stopped, .selecting, .requesting: nil
    case .bound(let lease), .renewing(let lease), .rebinding(let lease): lease
    }
  }

  /// Takes one event.
  mutating func handle(_ event: Event, now: UInt64) -> [Action] {
    switch event {
    case .linkUp: return linkUp(now: now)
    case .received(let message, let sender): return received(message, from: sender, now: now)
    case .timeReached:
      guard let deadline = nextDeadline, deadline <= now else { return [] }
      return timeReached(now: now)
    }
  }

  private mutating func linkUp(now: UInt64) -> [Action] {
    switch state {
    case .stopped, .selecting, .requesting: return select(now: now)
    case .bound(let lease):
      // It may be another network now: the server is asked, and says no if the address is wrong.
      return renew(lease, now: now)
    case .renewing, .rebinding: return []
    }
  }

  private mutating func received(
    _ message: DHCPMessage, from sender: HardwareAddress, now: UInt64
  ) -> [Action] {
    guard message.isReply, message.transaction == transaction,
      message.hardwareAddress == hardwareAddress
    else { return [] }
    switch (state, message.kind) {
    case (.selecting, .offer):
      guard let offer = DHCPLease(message, from: sender, now: now) else {
        return [.log("an offer without a usable address, mask, server or time was ignored")]
      }
      state = .requesting(offer)
      attempt = 0
      return [request(offer, now: now)]
    case (.requesting(let offer), .acknowledge):
      guard message.number(.server) == offer.server else { return [] }
      return acknowledged(message, from: sender, replacing: nil, now: now)
    case (.renewing(let lease), .acknowledge), (.rebinding(let lease), .acknowledge):
      return acknowledged(message, from: sender, replacing: lease, now: now)
    case (.requesting(let offer), .refuse):
      guard message.number(.server) == offer.server else { return [] }
      return [.log("the server took its offer back")] + select(now: now)
    case (.renewing(let lease), .refuse), (.rebinding(let lease), .refuse):
      return [.deconfigure(lease), .log("the server refuses the address")] + select(now: now)
    default: return []
    }
  }

  private mutating func acknowledged(
    _ message: DHCPMessage, from sender: HardwareAddress, replacing old: DHCPLease?, now: UInt64
  ) -> [Action] {
    guard let lease = DHCPLease(message, from: sender, now: sentAt) else {
      return [.log("an acknowledgement without a usable address, mask, server or time was ignored")]
    }
    state = .bound(lease)
    attempt = 0
    nextDeadline = lease.renewAt
    guard let old else { return [.configure(lease)] }
    if old.address == lease.address && old.router == lease.router { return [] }
    return [.deconfigure(old), .configure(lease)]
  }

  private mutating func timeReached(now: UInt64) -> [Action] {
    switch state {
    case .stopped:
      nextDeadline = nil
      return []
    case .selecting: return [discover(now: now)]
    case .requesting(let offer):
      if attempt >= DHCPTiming.requestCountMax { return select(now: now) }
      return [request(offer, now: now)]
    case .bound(let lease): return renew(lease, now: now)
    case .renewing(let lease), .rebinding(let lease):
      if let expiresAt = lease.expiresAt, expiresAt <= now {
        return [.deconfigure(lease), .log("no server prolongs the address; it has expired")]
          + select(now: now)
      }
      return [renewal(lease, now: now)]
    }
  }

  // MARK: Sending

  private mutating func begin(now: UInt64) {
    transaction = UInt32.random(in: 1...UInt32.max, using: &chance)
    attempt = 0
    startedAt = now
  }

  private mutating func select(now: UInt64) -> [Action] {
    begin(now: now)
    state = .selecting
    return [discover(now: now)]
  }

  private mutating func renew(_ lease: DHCPLease, now: UInt64) -> [Action] {
    begin(now: now)
    return [renewal(lease, now: now)]
  }

  private mutating func discover(now: UInt64) -> Action {
    nextDeadline = now + backOff()
    return send(.discover, now: now)
  }

  private mutating func request(_ offer: DHCPLease, now: UInt64) -> Action {
    nextDeadline = now + backOff()
    return send(.request, now: now) { message in
      message.set(.requestedAddress, offer.number)
      message.set(.server, offer.server)
    }
  }

  /// Asks for more time: the server that lent the address, from its second time limit on any.
  private mutating func renewal(_ lease: DHCPLease, now: UInt64) -> Action {
    let isRebinding = lease.rebindAt.map { $0 <= now } ?? false
    state = isRebinding ? .rebinding(lease) : .renewing(lease)
    // Half of what is left of this state, but never later than its end.
    let end = (isRebinding ? lease.expiresAt : lease.rebindAt) ?? .max
    let wait = max((end - min(end, now)) / 2, DHCPTiming.renewalDelayMillisecondsMin)
    nextDeadline = min(now.addingReportingOverflow(wait).partialValue, end)
    if end == .max { nextDeadline = now + DHCPTiming.delayMillisecondsMax }
    let action = send(.request, from: lease.number, to: isRebinding ? nil : lease, now: now) {
      $0.clientAddress = lease.number
    }
    return action
  }

  private mutating func send(
    _ kind: DHCPMessage.Kind, from source: UInt32 = 0, to lease: DHCPLease? = nil, now: UInt64,
    _ change: (inout DHCPMessage) -> Void = { _ in }
  ) -> Action {
    var message = DHCPMessage(transaction: transaction, hardwareAddress: hardwareAddress)
    message.seconds = UInt16(clamping: (now - startedAt) / 1000)
    message[.kind] = [kind.rawValue]
    message[.client] = [1] + hardwareAddress.bytes
    message[.wishes] = [
      DHCPMessage.Option.subnetMask.rawValue, DHCPMessage.Option.routers.rawValue,
    ]
    change(&message)
    attempt += 1
    sentAt = now
    let datagram = DHCPDatagram(
      source: source, destination: lease?.server ?? DHCPDatagram.broadcast, message: message)
    return .send(datagram, to: lease?.serverHardwareAddress ?? .broadcast)
  }

  private mutating func backOff() -> UInt64 {
    // Four doublings reach the limit; counting on would overflow the shift in the end.
    let delay = min(
      DHCPTiming.firstDelayMilliseconds << UInt64(min(attempt, 4)), DHCPTiming.delayMillisecondsMax)
    return delay - 1_000 + UInt64.random(in: 0...2_000, using: &chance)
  }
}

/// The times of a DHCP client.
enum DHCPTiming {
  /// The first repetition comes after 4 s, each further one after twice the time (RFC 2131, 4.1),
  static let firstDelayMilliseconds: UInt64 = 4_000
  /// up to this, give or take a second.
  static let delayMillisecondsMax: UInt64 = 64_000
  /// So often a server is asked for the address that it offered.
  static let requestCountMax = 4
  /// Repetitions while an address is in use are no more frequent (RFC 2131, 4.4.5).
  static let renewalDelayMillisecondsMin: UInt64 = 60_000
}
