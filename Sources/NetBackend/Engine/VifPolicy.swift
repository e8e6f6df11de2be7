import RingTransport
import Synchronization

/// What is decided for a whole vif, and what its queues decide together: filter, rate, multicast
/// addresses, hash.
///
/// What the guest has set is kept in the status page, for the process that takes its rings over
/// should this one die. Any thread uses it. What is switched off costs a queue one atomic load.
final class VifPolicy: Sendable {
  /// Which frames the guest may send.
  let filter: PacketFilter
  private let isLimited: Atomic<Bool>
  private let limiter: Mutex<Limiter>
  private let filtersMulticast = Atomic(false)
  /// False where an earlier process knew groups that are lost: then the guest gets all.
  private let knowsGroups = Atomic(true)
  private let multicast: Mutex<KeptValue<MulticastList, StatusPage>>
  private let calculatesHash = Atomic(false)
  private let hash: Mutex<KeptValue<ControlConfiguration, StatusPage>>

  /// The rate, and what of it the next process has to know.
  private struct Limiter {
    var limiter: CreditLimiter
    var kept: KeptValue<KeptCredit, StatusPage>

    mutating func save() {
      kept.value = KeptCredit(limiter)
      kept.save()
    }
  }

  /// Nothing is set. What the page holds of an earlier process stays there until it is taken over
  /// or cleared.
  ///
  /// - Parameter status: nil where nothing is to be kept.
  init(filter: PacketFilter, rate: NetRate?, now: UInt64, status: StatusPage? = nil) {
    self.filter = filter
    let credit = CreditLimiter(rate: rate, nowNanoseconds: now)
    limiter = Mutex(
      Limiter(limiter: credit, kept: KeptValue(KeptCredit(credit), in: status)))
    isLimited = Atomic(rate != nil)
    multicast = Mutex(KeptValue(MulticastList(), in: status))
    hash = Mutex(KeptValue(ControlConfiguration(), in: status))
  }

  /// Takes over what an earlier process has kept of the connection that is taken over.
  ///
  /// - Returns: whether there was all of it.
  func restore(now: UInt64) -> Bool {
    let hasCredit = limiter.withLock { limiter in
      guard limiter.kept.restore() else { return false }
      limiter.limiter.resume(
        credit: limiter.kept.value.credit,
        periodStartNanoseconds: limiter.kept.value.periodStartNanoseconds, nowNanoseconds: now)
      return true
    }
    let hasGroups = multicast.withLock { $0.restore() }
    knowsGroups.store(hasGroups, ordering: .releasing)
    let hasHash = hash.withLock { kept in
      let isRestored = kept.restore()
      calculatesHash.store(kept.value.isToeplitz, ordering: .releasing)
      return isRestored
    }
    return hasCredit && hasGroups && hasHash
  }

  /// Forgets what the guest has set: it connects anew, and begins from nothing. Its credit stays,
  /// or it would get around its rate.
  func clear() {
    limiter.withLock { $0.save() }
    multicast.withLock { kept in
      kept.value.removeAll()
      kept.save()
    }
    knowsGroups.store(true, ordering: .releasing)
    withHash { $0 = ControlConfiguration() }
  }

  // MARK: Rate

  /// Changes the rate of a running vif; nil is none.
  func setRate(_ rate: NetRate?, now: UInt64) {
    limiter.withLock { limiter in
      limiter.limiter.change(to: rate, nowNanoseconds: now)
      limiter.save()
    }
    isLimited.store(rate != nil, ordering: .releasing)
  }

  /// Takes the credit for a packet.
  func spendCredit(byteCount: Int, now: UInt64) -> CreditLimiter.Answer {
    guard isLimited.load(ordering: .acquiring) else { return .now }
    return limiter.withLock { limiter in
      let answer = limiter.limiter.spend(byteCount, nowNanoseconds: now)
      limiter.save()
      return answer
    }
  }

  // MARK: Multicast

  /// Whether the guest wants only the groups that it has added (`request-multicast-control`, which
  /// stands in XenStore and so outlives the process there).
  func setFiltersMulticast(_ filters: Bool) {
    filtersMulticast.store(filters, ordering: .releasing)
  }

  /// Adds a group; false when there are too many.
  func addMulticast(_ address: EthernetAddress) -> Bool {
    multicast.withLock { kept in
      let isAdded = kept.value.add(address)
      kept.save()
      return isAdded
    }
  }

  /// Removes a group.
  func removeMulticast(_ address: EthernetAddress) {
    multicast.withLock { kept in
      kept.value.remove(address)
      kept.save()
    }
  }

  /// Whether the guest wants a frame to this address.
  func admits(_ destination: EthernetAddress) -> Bool {
    guard destination.isMulticast, filtersMulticast.load(ordering: .acquiring),
      knowsGroups.load(ordering: .acquiring)
    else { return true }
    return multicast.withLock { $0.value.admits(destination) }
  }

  // MARK: Hash

  /// Reads or changes the hash by a request of the control ring.
  func withHash<Result>(_ body: (inout ControlConfiguration) -> Result) -> Result {
    hash.withLock { kept in
      let result = body(&kept.value)
      kept.save()
      calculatesHash.store(kept.value.isToeplitz, ordering: .releasing)
      return result
    }
  }

  /// The hash of a frame for the guest; nil when none was asked for, or the frame has none.
  func hash(of frame: RawSpan) -> PacketHash? {
    guard calculatesHash.load(ordering: .acquiring), let headers = try? FrameHeaders(frame) else {
      return nil
    }
    return hash.withLock { $0.value.hash(of: frame, headers) }
  }

  /// The queue for a frame for the guest where the guest has chosen a hash; nil leaves it to the
  /// network.
  func queue(of frame: RawSpan, queueCount: Int) -> Int? {
    guard let value = hash(of: frame) else { return nil }
    return hash.withLock { $0.value.queue(of: value, queueCount: queueCount) }
  }
}
