internal import Glibc
import RingTransport

/// A way to take requests off a ring of 32 slots of 112 bytes, a disk's, and to answer them: 32 at
/// once, each batch published with one notify decision.
enum RingCase: String, CaseIterable {
  /// Without a journal, in order: what a crash would lose.
  case off
  /// With the journal's copies, in order for the frontend (`--in-order`).
  case inOrder = "in_order"
  /// With the journal, and requests that end in the order in which they came.
  case journal
  /// With the journal, and requests that end in the opposite order: each but the last is moved.
  case journalReversed = "journal_reversed"

  var title: String {
    switch self {
    case .off: "no journal"
    case .inOrder: "journal, in-order mode"
    case .journal: "journal, ends as it came"
    case .journalReversed: "journal, ends backwards"
    }
  }

  private static let slotByteCount = 112
  private static let responseByteCount = 16
  private static let batch = 32

  /// Runs the case, and returns the mean over all requests.
  func nanosecondsPerRequest(requestCount: Int) -> Double {
    do {
      return switch self {
      case .off: try Self.runPlain(requestCount)
      case .inOrder: try Self.runJournaled(requestCount, isInOrder: true, isReversed: false)
      case .journal: try Self.runJournaled(requestCount, isInOrder: false, isReversed: false)
      case .journalReversed: try Self.runJournaled(requestCount, isInOrder: false, isReversed: true)
      }
    } catch {
      preconditionFailure("no memory, or the loop's own ring is wrong: \(error)")
    }
  }

  private static func runPlain(_ requestCount: Int) throws -> Double {
    let frontend = Frontend()
    var ring = try BackRing(attachingTo: frontend.pages(), slotByteCount: slotByteCount)
    var memory = try PrivateMemory(byteCount: xenPageByteCount)
    let response = try PrivateMemory(byteCount: xenPageByteCount)
    let start = MonotonicClock.nanoseconds()
    for _ in 0..<requestCount / batch {
      frontend.produce(batch)
      var slot = memory.mutableBytes(0..<slotByteCount)
      while try ring.takeRequest(into: &slot) {}
      for _ in 0..<batch { ring.publish(response.bytes.extracting(0..<responseByteCount)) }
      _ = ring.takeNotifyDecision()
    }
    return Double(MonotonicClock.nanoseconds() - start) / Double(requestCount)
  }

  private static func runJournaled(
    _ requestCount: Int, isInOrder: Bool, isReversed: Bool
  ) throws -> Double {
    let frontend = Frontend()
    var ring = try JournaledRing(
      attachingTo: frontend.pages(), slotByteCount: slotByteCount,
      responseByteCount: responseByteCount, isInOrder: isInOrder)
    let response = try PrivateMemory(byteCount: xenPageByteCount)
    var tickets: [Int] = []
    tickets.reserveCapacity(batch)
    let start = MonotonicClock.nanoseconds()
    for _ in 0..<requestCount / batch {
      frontend.produce(batch)
      while let ticket = try ring.takeRequest() { tickets.append(ticket) }
      for index in tickets.indices {
        ring.complete(
          tickets[isReversed ? tickets.count - 1 - index : index],
          with: response.bytes.extracting(0..<responseByteCount))
      }
      tickets.removeAll(keepingCapacity: true)
      _ = ring.takeNotifyDecision()
    }
    return Double(MonotonicClock.nanoseconds() - start) / Double(requestCount)
  }
}

/// A page, and the part of a frontend that moves its producer index.
@safe private final class Frontend {
  private let base: UnsafeMutableRawPointer
  private var requestProducer: UInt32 = 0

  init() {
    // SAFETY: a fresh page, zeroed; freed in `deinit` only.
    unsafe base = .allocate(byteCount: xenPageByteCount, alignment: xenPageByteCount)
    unsafe base.initializeMemory(as: UInt8.self, repeating: 0, count: xenPageByteCount)
  }

  deinit {
    // SAFETY: the last use.
    unsafe base.deallocate()
  }

  /// The page, as the backend maps it; valid as long as the frontend is.
  func pages() -> SharedPages {
    // SAFETY: the page's whole extent; it goes with the frontend, not with the mapping.
    unsafe SharedPages(unsafeBase: base, byteCount: xenPageByteCount) { _, _ in }
  }

  /// Shows the backend as many more requests.
  func produce(_ count: Int) {
    requestProducer &+= UInt32(count)
    // SAFETY: `req_prod` is the first word of the page (xen/io/ring.h).
    unsafe base.storeBytes(of: requestProducer, as: UInt32.self)
  }
}
