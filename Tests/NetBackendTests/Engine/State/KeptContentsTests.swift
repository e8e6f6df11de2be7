import RingTransport
import SimulatedXen
import Testing

@testable import NetBackend

/// What a guest has set, in the page that outlives the process.
struct KeptContentsTests {
  @Test func thePlacesAreApart() {
    let places = [KeptPlace.hash, .multicast, .credit, .control]
    for (place, next) in zip(places, places.dropFirst()) { #expect(place.end == next.firstWord) }
    #expect(KeptPlace.control.end <= StatusLayout.stateWordCount)
  }

  /// Death at every store: the next process has all of the hash, as it was before or after.
  @Test func deathWhileTheHashChanges() {
    for storeCount in 0..<40 {
      let memory = MortalMemory()
      var kept = KeptValue(Self.hash(1), in: memory)
      kept.save()
      kept.value = Self.hash(2)
      memory.storesLeft = storeCount
      kept.save()
      memory.storesLeft = .max
      var next = KeptValue(ControlConfiguration(), in: memory)
      let isRestored = next.restore()
      #expect(isRestored)
      let isOld = Self.isEqual(next.value, Self.hash(1))
      #expect(isOld || Self.isEqual(next.value, Self.hash(2)), "after \(storeCount) stores")
      // It is new only with the very last store.
      #expect(isOld == (storeCount < 25), "after \(storeCount) stores")
    }
  }

  @Test(arguments: testSeeds(count: 30))
  func everythingComesBack(seed: UInt64) {
    var generator = SeededGenerator(seed: seed)
    let memory = MortalMemory()
    for round in 0..<20 {
      var hash = KeptValue(ControlConfiguration(), in: memory)
      hash.value = Self.anyHash(&generator)
      hash.save()
      var list = KeptValue(MulticastList(), in: memory)
      for _ in 0..<Int.random(in: 0...64, using: &generator) {
        _ = list.value.add(EthernetAddress(truncating: generator.next()))
      }
      list.save()
      var nextHash = KeptValue(ControlConfiguration(), in: memory)
      var nextList = KeptValue(MulticastList(), in: memory)
      let (hasHash, hasList) = (nextHash.restore(), nextList.restore())
      #expect(hasHash && hasList)
      #expect(Self.isEqual(hash.value, nextHash.value), "round \(round)")
      #expect(Self.addresses(list.value) == Self.addresses(nextList.value), "round \(round)")
    }
  }

  /// Whole records with any content: what makes no sense is refused, and nothing traps.
  @Test(arguments: testSeeds(count: 30))
  func garbageIsRefused(seed: UInt64) {
    var generator = SeededGenerator(seed: seed)
    for _ in 0..<300 {
      var words = (0..<KeptPlace.multicast.contentWordCount).map { _ in
        generator.next() >> UInt64.random(in: 0...63, using: &generator)
      }
      if generator.chance(percent: 50) { words[0] = words[0] & ~0xff | 1 }
      if let hash = ControlConfiguration(stateWords: words) {
        #expect(hash.key.count <= NetLimits.hashKeyByteCount)
        #expect(hash.mapping.count <= NetLimits.hashMappingEntryCount)
        #expect(hash.types.isSubset(of: .supported))
        #expect(hash.mapping.allSatisfy { $0 < 8 })
      }
      if let list = MulticastList(stateWords: words) {
        #expect(list.count <= NetLimits.multicastAddressCount)
      }
      _ = KeptControlAnswer(stateWords: words)
    }
    let good = Self.words(Self.hash(1))
    #expect(ControlConfiguration(stateWords: good) != nil)
    for (bit, what) in [
      (0, "version"), (9, "algorithm"), (22, "key"), (31, "mapping"), (36, "types"), (40, "rest"),
    ] {
      var bad = good
      bad[0] ^= 1 << UInt64(bit)
      #expect(ControlConfiguration(stateWords: bad) == nil, "\(what)")
    }
    var bad = good
    bad[6] = 8
    #expect(ControlConfiguration(stateWords: bad) == nil, "a queue that cannot be")
  }

  /// Credit is never more than a burst, and waiting for it ends, whatever was there.
  @Test(arguments: testSeeds(count: 20))
  func creditIsBounded(seed: UInt64) {
    var generator = SeededGenerator(seed: seed)
    let rate = NetRate(byteCount: 1000, periodNanoseconds: 1_000_000)
    for _ in 0..<100 {
      let now: UInt64 = 1_000_000_000
      var limiter = CreditLimiter(rate: rate, nowNanoseconds: now)
      limiter.resume(
        credit: generator.next() >> UInt64.random(in: 0...63, using: &generator),
        periodStartNanoseconds: generator.next() >> UInt64.random(in: 0...63, using: &generator),
        nowNanoseconds: now)
      #expect(limiter.credit <= CreditLimiter.smallestBurstByteCount)
      if case .notBefore(let time) = limiter.spend(65535, nowNanoseconds: now) {
        #expect(time <= now + 66 * rate.periodNanoseconds)
      }
    }
  }

  /// A guest whose backend dies after every packet sends no more for that.
  @Test func restartsBringNoCredit() throws {
    let memory = try StatusPage.makeMemory()
    let rate = NetRate(byteCount: 100_000, periodNanoseconds: 1_000_000_000)
    var sentCount = 0
    for life in 0..<50 {
      let page = try StatusPage(sharing: memory.rawValue)
      page.begin()
      let policy = VifPolicy(
        filter: try PacketFilter(""), rate: rate, now: UInt64(life), status: page)
      if life == 0 { policy.clear() } else { #expect(policy.restore(now: UInt64(life))) }
      if policy.spendCredit(byteCount: 10_000, now: UInt64(life)) == .now { sentCount += 1 }
    }
    #expect(sentCount == 10)
  }

  private static func hash(_ number: UInt8) -> ControlConfiguration {
    ControlConfiguration(
      isToeplitz: true, types: .ipv4TCP, key: [UInt8](repeating: number, count: 40),
      mapping: [UInt32](repeating: UInt32(number), count: 128 - Int(number)))
  }

  private static func anyHash(_ generator: inout SeededGenerator) -> ControlConfiguration {
    ControlConfiguration(
      isToeplitz: generator.chance(percent: 50),
      types: NetHashTypes(rawValue: UInt32.random(in: 0...15, using: &generator)),
      key: (0..<Int.random(in: 0...40, using: &generator)).map { _ in
        UInt8.random(in: 0...255, using: &generator)
      },
      mapping: (0..<Int.random(in: 0...128, using: &generator)).map { _ in
        UInt32.random(in: 0...7, using: &generator)
      })
  }

  private static func words(_ hash: ControlConfiguration) -> [UInt64] {
    let memory = MortalMemory()
    var kept = KeptValue(hash, in: memory)
    kept.save()
    let start = KeptPlace.hash.firstWord + 2
    return (start..<start + KeptPlace.hash.contentWordCount).map { memory.loadState($0) }
  }

  private static func isEqual(
    _ left: ControlConfiguration, _ right: ControlConfiguration
  ) -> Bool {
    left.isToeplitz == right.isToeplitz && left.types == right.types && left.key == right.key
      && left.mapping == right.mapping
  }

  private static func addresses(_ list: MulticastList) -> [EthernetAddress] {
    (0..<list.count).map { list[$0] }
  }
}
