import RingTransport
import SimulatedXen
import Testing

/// The journal's real code in every history of a small ring, with a crash at every store: each
/// request is executed, answered exactly once and with its own status, and nothing is written that
/// is not the backend's.
struct JournaledRingModelTests {
  @Test(arguments: [
    Shape(slots: 2, requests: 4, crashes: 3), Shape(slots: 2, requests: 4, crashes: 2, true),
    Shape(slots: 4, requests: 6, crashes: 2), Shape(slots: 4, requests: 5, crashes: 3),
    Shape(slots: 4, requests: 6, crashes: 2, true), Shape(slots: 1, requests: 3, crashes: 3),
  ])
  func nothingIsLostOrRepeated(shape: Shape) {
    let outcome = RingExplorer.exhaust(shape.options)
    #expect(outcome.violation == nil, "\(outcome.history)")
    #expect(outcome.stateCount > 100)
  }

  /// Without any one of its steps, or with two of them swapped, the journal is of no use.
  @Test(arguments: JournalFault.allCases)
  func everyStepIsNeeded(fault: JournalFault) {
    var options = Shape(slots: 4, requests: 4, crashes: 2).options
    options.fault = fault
    #expect(RingExplorer.exhaust(options).violation != nil)
  }

  /// Rings as guests have them, for as long as they wrap several times.
  @Test(arguments: testSeeds(count: 24))
  func largeRings(seed: UInt64) {
    var options = RingModel.Options()
    options.slotByteCount = seed % 2 == 0 ? 112 : 108
    options.responseByteCount = seed % 2 == 0 ? 16 : 12
    options.slotCount = [32, 32, 64, 512][Int(seed / 2 % 4)]
    options.requestCount = options.slotCount * 3
    options.crashLimit = 40
    options.start = UInt32.max - UInt32(seed % 50)
    options.isInOrder = seed % 5 == 0
    let outcome = RingExplorer.wander(options, seed: seed)
    #expect(outcome.violation == nil, "SEED=\(seed) \(outcome.history)")
    #expect(outcome.stateCount > Int(options.requestCount) * 10)
  }

  /// A small ring and what happens on it.
  struct Shape: Sendable, CustomTestStringConvertible {
    let options: RingModel.Options

    init(slots: UInt32, requests: UInt32, crashes: Int, _ isInOrder: Bool = false) {
      var options = RingModel.Options()
      options.slotCount = slots
      options.requestCount = requests
      options.crashLimit = crashes
      options.isInOrder = isInOrder
      self.options = options
    }

    var testDescription: String {
      "\(options.slotCount) slots, \(options.requestCount) requests, \(options.crashLimit) crashes"
        + (options.isInOrder ? ", in order" : "")
    }
  }
}
