import RingTransport

/// A ring between an honest frontend and a backend that may die at every single store: the real
/// code of ``JournaledRingState`` on a ``LoggedPage``, one small step at a time.
///
/// A value: a search can keep any point of a history and go on from there in every way.
package struct RingModel {
  /// What differs between runs.
  package struct Options: Sendable {
    package var slotCount: UInt32 = 4
    package var slotByteCount = 8
    package var responseByteCount = 6
    /// Requests that the frontend makes in all.
    package var requestCount: UInt32 = 5
    /// How often the backend dies at most.
    package var crashLimit = 2
    package var isInOrder = false
    /// Where the counters begin.
    package var start: UInt32 = .max - 2
    package var fault: JournalFault?

    package init() {}
  }

  /// Something that can happen next.
  package enum Step: Hashable, Sendable {
    case produce
    case consume
    case crash
    case attach
    case store
    case take
    case complete(position: Int)
  }

  /// What has become of a request.
  private enum Fate: UInt8 {
    case open
    case executed
    case answered
  }

  /// A request that the backend has taken.
  private struct Taken {
    var ticket: Int
    var identifier: UInt32
    var isCompleted = false
  }

  private let options: Options
  private let layout: RingLayout
  private var page: [UInt8]
  private var pending: ArraySlice<PageStore> = []
  private var backend: JournaledRingState?
  private var taken: [Taken] = []
  private var fates: [Fate] = []
  private var responseConsumer: UInt32
  private var crashCount = 0
  /// Why this history must not be.
  package private(set) var violation: String?

  /// A fresh ring, whose frontend left something in the slots and zeroes in the header.
  package init(_ options: Options) {
    self.options = options
    layout = RingLayout(slotCount: options.slotCount, slotByteCount: options.slotByteCount)
    page = Array(repeating: 0, count: RingLayout.slotsOffset)
    page += Array(repeating: 0xaa, count: Int(layout.slotCount) * layout.slotByteCount)
    responseConsumer = options.start
    put(options.start, at: RingLayout.requestProducerOffset)
    put(options.start, at: RingLayout.responseProducerOffset)
  }

  /// Whether every request has its response.
  package var isComplete: Bool {
    fates.count == Int(options.requestCount) && fates.allSatisfy { $0 == .answered }
  }

  /// All that can happen next.
  package var steps: [Step] {
    var steps: [Step] = []
    let waiting = requestProducer &- responseConsumer
    if fates.count < Int(options.requestCount), waiting < layout.slotCount {
      steps.append(.produce)
    }
    if responseProducer != responseConsumer { steps.append(.consume) }
    guard let backend else { return steps + [.attach] }
    if crashCount < options.crashLimit { steps.append(.crash) }
    if !pending.isEmpty { return steps + [.store] }
    if requestProducer != backend.cursor.requestConsumer.rawValue { steps.append(.take) }
    for position in taken.indices where !taken[position].isCompleted {
      steps.append(.complete(position: position))
    }
    return steps
  }

  /// Lets one of ``steps`` happen.
  package mutating func perform(_ step: Step) {
    switch step {
    case .produce: produce()
    case .consume: consume()
    case .crash:
      crashCount += 1
      backend = nil
      taken = []
      pending = []
    case .attach: attach()
    case .store: applyStore()
    case .take: take()
    case .complete(let position): complete(position)
    }
  }

  /// All that the future depends on, in as few bytes as can be.
  package var key: [UInt8] {
    var key = page
    key += fates.map(\.rawValue)
    key.append(UInt8(truncatingIfNeeded: responseConsumer))
    key.append(UInt8(crashCount))
    key.append(backend == nil ? 0 : 1)
    if let backend {
      key.append(UInt8(truncatingIfNeeded: backend.cursor.requestConsumer.rawValue))
      key.append(UInt8(truncatingIfNeeded: backend.cursor.responseProducer.rawValue))
      let places = taken.map { entry in
        (UInt8(truncatingIfNeeded: backend.place(of: entry.ticket).rawValue), entry)
      }
      for (place, entry) in places.sorted(by: { $0.0 < $1.0 }) {
        key += [place, UInt8(entry.identifier), entry.isCompleted ? 1 : 0]
      }
    }
    for store in pending { key += [UInt8(store.offset), store.bytes.first ?? 0] + store.bytes }
    return key
  }

  // MARK: The frontend

  private var requestProducer: UInt32 { page.word(at: RingLayout.requestProducerOffset) }
  private var responseProducer: UInt32 { page.word(at: RingLayout.responseProducerOffset) }

  private mutating func produce() {
    let identifier = UInt32(fates.count)
    let offset = layout.slotOffset(of: RingIndex(rawValue: requestProducer))
    page.replaceSubrange(offset..<(offset + layout.slotByteCount), with: request(identifier))
    put(requestProducer &+ 1, at: RingLayout.requestProducerOffset)
    fates.append(.open)
  }

  private mutating func consume() {
    guard responseProducer &- responseConsumer <= requestProducer &- responseConsumer else {
      return fail("more responses than requests")
    }
    let offset = layout.slotOffset(of: RingIndex(rawValue: responseConsumer))
    let bytes = Array(page[offset..<(offset + options.responseByteCount)])
    responseConsumer &+= 1
    let identifier = bytes.word(at: 1)
    guard bytes[0] == 0x52, identifier < UInt32(fates.count) else {
      return fail("what is published is no response: \(bytes)")
    }
    guard bytes == response(identifier) else { return fail("a request has another's status") }
    switch fates[Int(identifier)] {
    case .open: fail("request \(identifier) was answered and not executed")
    case .executed: fates[Int(identifier)] = .answered
    case .answered: fail("request \(identifier) was answered twice")
    }
  }

  private func request(_ identifier: UInt32) -> [UInt8] {
    [0x51] + word(identifier)
      + (5..<layout.slotByteCount).map { UInt8(truncatingIfNeeded: identifier &* 7) &+ UInt8($0) }
  }

  private func response(_ identifier: UInt32) -> [UInt8] {
    let status = UInt8(truncatingIfNeeded: identifier &* 13 &+ 1)
    return [0x52] + word(identifier) + [status]
      + [UInt8](repeating: 0, count: options.responseByteCount - 6)
  }

  // MARK: The backend

  private mutating func attach() {
    let memory = LoggedPage(page, fault: options.fault)
    do throws(RingViolation) {
      backend = try JournaledRingState(
        attachingTo: memory, layout: layout, responseByteCount: options.responseByteCount,
        isInOrder: options.isInOrder)
    } catch {
      return fail("an honest frontend is refused: \(error)")
    }
    collect(memory)
  }

  private mutating func take() {
    let memory = LoggedPage(page, fault: options.fault)
    do throws(RingViolation) {
      guard let ticket = try backend?.takeRequest(memory) else {
        return fail("there is a request, and none is taken")
      }
      try judge(ticket)
    } catch {
      return fail("an honest frontend is refused: \(error)")
    }
    collect(memory)
  }

  private mutating func judge(_ ticket: Int) throws(RingViolation) {
    guard let backend else { return }
    let span = backend.request(ticket)
    let bytes = (0..<span.byteCount).map { span.load(UInt8.self, at: $0) }
    let identifier = bytes.word(at: 1)
    guard bytes[0] == 0x51, identifier < UInt32(fates.count), bytes == request(identifier) else {
      return fail("what is taken is no request: \(bytes)")
    }
    if taken.contains(where: { $0.identifier == identifier }) {
      return fail("request \(identifier) was taken twice")
    }
    taken.append(Taken(ticket: ticket, identifier: identifier))
  }

  private mutating func complete(_ position: Int) {
    let entry = taken[position]
    let memory = LoggedPage(page, fault: options.fault)
    if fates[Int(entry.identifier)] == .open { fates[Int(entry.identifier)] = .executed }
    let bytes = response(entry.identifier)
    // SAFETY: the raw bytes of initialised integers.
    backend?.complete(entry.ticket, with: unsafe bytes.span.bytes, memory)
    taken[position].isCompleted = true
    if options.isInOrder {
      let open = Int(backend?.cursor.inFlightCount ?? 0)
      taken.removeFirst(max(0, taken.count - open))
    } else {
      taken.remove(at: position)
    }
    collect(memory)
  }

  private mutating func collect(_ memory: LoggedPage) {
    if memory.lateLoadCount > 0 { fail("the page is read again after it was written") }
    let stores = memory.stores
    pending =
      options.fault?.spoilt(stores: stores, slotByteCount: layout.slotByteCount)[...]
      ?? stores[...]
  }

  private mutating func applyStore() {
    guard let store = pending.popFirst() else { return }
    let range = store.offset..<(store.offset + store.bytes.count)
    if !isAllowed(range) { fail("bytes \(range) were written, which are not the backend's") }
    page.replaceSubrange(range, with: store.bytes)
  }

  /// Whether a backend may write there: its words, its private bytes, and slots that hold a request
  /// without a response.
  private func isAllowed(_ range: Range<Int>) -> Bool {
    if range.upperBound <= RingLayout.slotsOffset {
      return range.lowerBound >= 16 || range == 4..<8 || range == 8..<12
    }
    guard range.lowerBound >= RingLayout.slotsOffset else { return false }
    let position = range.lowerBound - RingLayout.slotsOffset
    let slot = UInt32(position / layout.slotByteCount)
    guard position % layout.slotByteCount + range.count <= layout.slotByteCount else {
      return false
    }
    let distance = (slot &- responseProducer) & (layout.slotCount - 1)
    return distance < requestProducer &- responseProducer
  }

  private mutating func fail(_ rule: String) {
    violation = violation ?? rule
  }

  private mutating func put(_ value: UInt32, at offset: Int) {
    page.replaceSubrange(offset..<(offset + 4), with: word(value))
  }

  private func word(_ value: UInt32) -> [UInt8] {
    (0..<4).map { UInt8(truncatingIfNeeded: value >> UInt32($0 * 8)) }
  }
}
