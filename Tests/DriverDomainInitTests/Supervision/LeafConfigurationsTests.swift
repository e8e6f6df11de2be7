import RingTransport
import SimulatedXen
import Testing

@testable import DriverDomainInit

/// What init knows of devices ahead of a death.
struct LeafConfigurationsTests {
  private let disk = BackendLeaf("backend/vbd/2/51712").unsafelyRequired
  private let values: [String?] = [
    "/local/domain/2/device/vbd/51712", "/dev/a", "w", "0", nil, nil,
  ]

  @Test func isKnownOnceItIsRead() {
    var known = LeafConfigurations()
    func begin() -> Bool { known.begin(disk) }
    func finish(_ values: [String?]?) -> Bool { known.finish(disk, values) }
    #expect(begin())
    #expect(known[disk] == nil)
    #expect(!begin(), "one reading at a time")
    #expect(!finish(values))
    #expect(known[disk]?.list(["params", "discard-enable"]) == ["/dev/a", nil])
    #expect(known[disk]?.list(["params", "color"]) == nil, "nobody has read that")
    #expect(!begin(), "the next process changes nothing")
    known.end(disk)
    #expect(known[disk] == nil)
  }

  /// A change makes it unknown at once, however far a reading is.
  @Test func changesAreNeverMissed() {
    var known = LeafConfigurations()
    func begin() -> Bool { known.begin(disk) }
    func change() -> Bool { known.change(disk) }
    func finish(_ values: [String?]?) -> Bool { known.finish(disk, values) }
    #expect(!change(), "it has no process")
    #expect(begin())
    #expect(!change())
    #expect(finish(values), "what was read may be of before")
    #expect(known[disk] == nil)
    #expect(!finish(values))
    #expect(known[disk] != nil)
    #expect(change())
    #expect(known[disk] == nil)
    #expect(!finish(values))
    #expect(known[disk] != nil)
  }

  @Test func failuresAreTriedWithTheNextProcess() {
    var known = LeafConfigurations()
    func begin() -> Bool { known.begin(disk) }
    func finish(_ values: [String?]?) -> Bool { known.finish(disk, values) }
    #expect(begin())
    #expect(!finish(nil))
    #expect(known[disk] == nil)
    #expect(begin())
    // An answer that comes after the connection was lost is of no use.
    known.endAll()
    #expect(!finish(values))
    #expect(known[disk] == nil)
  }

  /// Whatever happens, what is known is what the store said at or after the last change.
  @Test(arguments: testSeeds(count: 100))
  func isNeverOld(seed: UInt64) {
    var generator = SeededGenerator(seed: seed)
    var known = LeafConfigurations()
    var version = 0
    // What a reading in flight will find: the store answers at some moment after the question.
    var reading: Int?
    for _ in 0..<200 {
      var reads = false
      switch Int.random(in: 0..<5, using: &generator) {
      case 0:
        version += 1
        reads = known.change(disk)
      case 1: reads = known.begin(disk)
      case 2:
        guard let found = reading else { continue }
        reading = nil
        reads = known.finish(disk, ["\(found)", nil, nil, nil, nil, nil])
      case 3: if reading != nil { reading = version }
      default:
        guard Int.random(in: 0..<10, using: &generator) == 0 else { continue }
        known.end(disk)
        reading = nil
      }
      if reads {
        #expect(reading == nil, "two readings at a time")
        reading = version
      }
      if let configuration = known[disk] {
        #expect(configuration.list(["frontend"]) == ["\(version)"])
      }
    }
  }
}

extension Optional {
  /// For values that are there.
  fileprivate var unsafelyRequired: Wrapped {
    guard let value = self else { preconditionFailure("a literal of the test is wrong") }
    return value
  }
}
