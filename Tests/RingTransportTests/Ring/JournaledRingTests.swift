import RingTransport
import SimulatedXen
import Testing

/// What the journal makes of pages that a guest has written.
struct JournaledRingTests {
  private static let layout = RingLayout(slotCount: 8, slotByteCount: 112)

  /// Whatever a guest writes into its page, attaching ends, and writes nothing but the record and
  /// slots whose requests have no response.
  @Test(arguments: testSeedGroups(count: 4000, groupSize: 400))
  func recoveryWritesOnlyWhatIsTheBackends(seeds: [UInt64]) throws {
    var recovered = 0
    for seed in seeds {
      var generator = SeededGenerator(seed: seed)
      let byteCount = 64 + 8 * 112
      var page = (0..<byteCount).map { _ in UInt8.random(in: 0...255, using: &generator) }
      let producer = UInt32.random(in: 0 ... .max, using: &generator)
      let outstanding = UInt32.random(in: 0...10, using: &generator)
      put(producer, in: &page, at: 8)
      put(producer &+ outstanding, in: &page, at: 0)
      let near = generator.chance(percent: 80) ? producer : producer &+ 1
      put(near, in: &page, at: RingJournal.stateOffset)
      let distance = UInt32.random(in: 0...9, using: &generator)
      let phase = UInt32.random(in: 0...3, using: &generator)
      put(0xb1 << 24 | phase << 16 | distance, in: &page, at: RingJournal.stateOffset + 4)
      let memory = LoggedPage(page, fault: nil)
      do throws(RingViolation) {
        let state = try JournaledRingState(
          attachingTo: memory, layout: Self.layout, responseByteCount: 16, isInOrder: false)
        #expect(outstanding <= 8)
        let isRecord = near == producer && (1...2).contains(phase) && distance < outstanding
        #expect(state.hasRecovered == isRecord, "SEED=\(seed)")
        if isRecord { recovered += 1 }
        let moved: UInt32 = isRecord ? 1 : 0
        #expect(state.cursor.responseProducer.rawValue == producer &+ moved)
      } catch {
        #expect(outstanding > 8, "SEED=\(seed)")
      }
      for store in memory.stores {
        #expect(isAllowed(store, producer, outstanding), "SEED=\(seed): \(store.offset)")
      }
    }
    #expect(recovered > seeds.count / 20)
  }

  private func isAllowed(
    _ store: PageStore, _ producer: UInt32, _ outstanding: UInt32
  ) -> Bool {
    guard store.offset >= 64 else {
      return store.offset == RingJournal.stateOffset || store.offset == 8
    }
    let slot = UInt32((store.offset - 64) / 112)
    return (store.offset - 64) % 112 + store.bytes.count <= 112
      && (slot &- producer) & 7 < outstanding
  }

  private func put(_ value: UInt32, in page: inout [UInt8], at offset: Int) {
    for index in 0..<4 {
      page[offset + index] = UInt8(truncatingIfNeeded: value >> UInt32(8 * index))
    }
  }

  /// The words of the record, as a process of another version would find them.
  @Test func theLayoutOfTheRecordIsFixed() {
    let state = RingJournal.State(
      target: RingIndex(rawValue: 0x0102_0304), distance: 0x0506, phase: .moved)
    #expect(state.rawValue == 0xb102_0506_0102_0304)
    #expect(RingJournal.State(rawValue: state.rawValue) == state)
    for word: UInt64 in [
      0, .max, 0xb100_0506_0102_0304, 0xb103_0000_0000_0000, 0xb202_0000_0000_0000,
    ] {
      #expect(RingJournal.State(rawValue: word) == nil)
    }
    #expect(RingJournal.stateOffset % 8 == 0)
  }
}
