import RingTransport
import Synchronization

/// What is decided for a whole vif, and what its queues decide together: filter, rate, multicast
/// addresses, hash.
///
/// Any thread uses it. What is switched off costs a queue one atomic load.
final class VifPolicy: Sendable {
  /// Which frames the guest may send.
  let filter: PacketFilter
  private let isLimited: Atomic<Bool>
  private let limiter: Mutex<CreditLimiter>
  private let filtersMulticast = Atomic(false)
  private let multicast = Mutex(MulticastList())
  private let calculatesHash = Atomic(false)
  private let hash = Mutex(ControlConfiguration())

  init(filter: PacketFilter, rate: NetRate?, now: UInt64) {
    self.filter = filter
    limiter = Mutex(CreditLimiter(rate: rate, nowNanoseconds: now))
    isLimited = Atomic(rate != nil)
  }

  // MARK: Rate

  /// Changes the rate of a running vif; nil is none.
  func setRate(_ rate: NetRate?, now: UInt64) {
    limiter.withLock { $0.change(to: rate, nowNanoseconds: now) }
    isLimited.store(rate != nil, ordering: .releasing)
  }

  /// Takes the credit for a packet.
  func spendCredit(byteCount: Int, now: UInt64) -> CreditLimiter.Answer {
    guard isLimited.load(ordering: .acquiring) else { return .now }
    return limiter.withLock { $0.spend(byteCount, nowNanoseconds: now) }
  }

  // MARK: Multicast

  /// Whether the guest wants only the groups that it has added (`request-multicast-control`).
  func setFiltersMulticast(_ filters: Bool) {
    filtersMulticast.store(filters, ordering: .releasing)
  }

  /// Adds a group; false when there are too many.
  func addMulticast(_ address: EthernetAddress) -> Bool {
    multicast.withLock { $0.add(address) }
  }

  /// Removes a group.
  func removeMulticast(_ address: EthernetAddress) {
    multicast.withLock { $0.remove(address) }
  }

  /// Whether the guest wants a frame to this address.
  func admits(_ destination: EthernetAddress) -> Bool {
    guard destination.isMulticast, filtersMulticast.load(ordering: .acquiring) else {
      return true
    }
    return multicast.withLock { $0.admits(destination) }
  }

  // MARK: Hash

  /// Reads or changes the hash by a request of the control ring.
  func withHash<Result>(_ body: (inout ControlConfiguration) -> Result) -> Result {
    hash.withLock { configuration in
      let result = body(&configuration)
      calculatesHash.store(configuration.isToeplitz, ordering: .releasing)
      return result
    }
  }

  /// The hash of a frame for the guest; nil when none was asked for, or the frame has none.
  func hash(of frame: RawSpan) -> PacketHash? {
    guard calculatesHash.load(ordering: .acquiring), let headers = try? FrameHeaders(frame) else {
      return nil
    }
    return hash.withLock { $0.hash(of: frame, headers) }
  }

  /// The queue for a frame for the guest where the guest has chosen a hash; nil leaves it to the
  /// network.
  func queue(of frame: RawSpan, queueCount: Int) -> Int? {
    guard let value = hash(of: frame) else { return nil }
    return hash.withLock { $0.queue(of: value, queueCount: queueCount) }
  }
}
