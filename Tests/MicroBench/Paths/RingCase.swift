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
  /// All that a request costs between the ring and the engine: with the journal, in the opposite
  /// order, decoded and judged.
  case judged

  static var paths: [Path] {
    allCases.map { each in
      Path(group: .ring, key: each.rawValue, title: each.title, limit: each.limit, run: each.run)
    }
  }

  private var title: String {
    switch self {
    case .off: "no journal"
    case .inOrder: "journal, in-order mode"
    case .journal: "journal, ends as it came"
    case .journalReversed: "journal, ends backwards"
    case .judged: "the same, decoded and validated"
    }
  }

  private var limit: Double {
    switch self {
    case .off: 5
    case .inOrder, .journal, .journalReversed: 18
    case .judged: 25
    }
  }

  private static let slotByteCount = 112
  private static let responseByteCount = 16
  private static let batch = 32

  private func run(count: Int) throws -> Cost {
    switch self {
    case .off: try Self.runPlain(count)
    case .inOrder: try Self.runJournaled(count, isInOrder: true)
    case .journal: try Self.runJournaled(count)
    case .journalReversed: try Self.runJournaled(count, isReversed: true)
    case .judged: try Self.runJournaled(count, isReversed: true, isJudged: true)
    }
  }

  private static func runPlain(_ count: Int) throws -> Cost {
    let guest = BenchGuest(pageCount: 1)
    var ring = try BackRing(attachingTo: guest.pages(), slotByteCount: slotByteCount)
    var memory = try PrivateMemory(byteCount: xenPageByteCount)
    let response = try PrivateMemory(byteCount: xenPageByteCount)
    var producer = RingIndex.zero
    return try Cost.measure(count) {
      for _ in 0..<count / batch {
        producer = producer.advanced(by: UInt32(batch))
        guest.show(producer)
        var slot = memory.mutableBytes(0..<slotByteCount)
        while try ring.takeRequest(into: &slot) {}
        for _ in 0..<batch { ring.publish(response.bytes.extracting(0..<responseByteCount)) }
        _ = ring.takeNotifyDecision()
      }
    }
  }

  private static func runJournaled(
    _ count: Int, isInOrder: Bool = false, isReversed: Bool = false, isJudged: Bool = false
  ) throws -> Cost {
    let guest = BenchGuest(pageCount: 1)
    let slots = BlockSlots()
    var ring = try JournaledRing(
      attachingTo: guest.pages(), slotByteCount: slotByteCount,
      responseByteCount: responseByteCount, isInOrder: isInOrder)
    let response = try PrivateMemory(byteCount: xenPageByteCount)
    let geometry = BlockGeometry(capacityBytes: 1 << 30)
    var producer = RingIndex.zero
    var tickets: [Int] = []
    tickets.reserveCapacity(batch)
    slots.fill(guest)
    return try Cost.measure(count) {
      for _ in 0..<count / batch {
        if isJudged { slots.renew(batch, from: producer, guest) }
        producer = producer.advanced(by: UInt32(batch))
        guest.show(producer)
        while let ticket = try ring.takeRequest() {
          tickets.append(ticket)
          if isJudged {
            let request = BlockRequest(slot: ring.request(ticket), abi: .x86Bits64)
            let job = try BlockJob(
              judging: request, in: ring.request(ticket), abi: .x86Bits64, against: geometry)
            precondition(job.byteCount == 4096, "a request of the loop's own is right")
          }
        }
        for index in tickets.indices {
          ring.complete(
            tickets[isReversed ? tickets.count - 1 - index : index],
            with: response.bytes.extracting(0..<responseByteCount))
        }
        tickets.removeAll(keepingCapacity: true)
        _ = ring.takeNotifyDecision()
      }
    }
  }
}

/// The slots of a disk's ring with reads of a page each (`struct blkif_request` of xen/io/blkif.h
/// for x86-64), which responses overwrite.
struct BlockSlots {
  /// The page that all of them read into.
  static let dataPage = 1
  private static let layout = RingLayout(pageCount: 1, slotByteCount: 112)
  private let slot: [UInt8]

  init() {
    var slot = [UInt8](repeating: 0, count: 112)
    // READ, one segment; identifier 8, sector 16; segment 24: reference, sectors 0 to 7.
    slot[1] = 1
    slot[8] = 7
    slot[16] = 64
    slot[24] = UInt8(Self.dataPage)
    slot[29] = 7
    self.slot = slot
  }

  /// Writes all slots of the ring in page 0.
  func fill(_ guest: BenchGuest) {
    for index in 0..<Self.layout.slotCount {
      let offset = Self.layout.slotOffset(of: RingIndex(rawValue: index))
      // SAFETY: the raw bytes of initialised integers; so below.
      guest.write(unsafe slot.span.bytes, page: 0, at: offset)
    }
  }

  /// Writes again what a response overwrites: the first 16 bytes.
  func renew(_ count: Int, from producer: RingIndex, _ guest: BenchGuest) {
    for index in 0..<UInt32(count) {
      let offset = Self.layout.slotOffset(of: producer.advanced(by: index))
      guest.write(unsafe slot.span.bytes.extracting(first: 16), page: 0, at: offset)
    }
  }
}
