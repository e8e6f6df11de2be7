import RingTransport

/// What a guest has set, or what is counted for it, that stands neither in XenStore nor in a ring:
/// the next process finds it in the status page.
protocol KeptContent: Sendable {
  /// Where in the page's state its record is, and how much there is of it.
  static var place: KeptPlace { get }

  /// Judges words that a dead process left, which a guest may have taken over before; nil when they
  /// make no sense.
  init?(stateWords: [UInt64])

  /// Writes at most as many words as there is place for.
  func write<Memory: StateMemory>(to writer: inout StateWriter<Memory>)
}

/// The record of one ``KeptContent``, in words of the state.
struct KeptPlace: Sendable {
  let firstWord: Int
  let contentWordCount: Int

  /// The word behind it.
  var end: Int { firstWord + StateRecord.wordCount(contentWordCount: contentWordCount) }

  /// What a guest has set through its control ring: 40 bytes of key, 128 entries of a byte each.
  static let hash = KeptPlace(firstWord: 0, contentWordCount: 1 + 5 + 16)
  /// The multicast groups.
  static let multicast = KeptPlace(
    firstWord: hash.end, contentWordCount: 1 + NetLimits.multicastAddressCount)
  /// What is left of the rate.
  static let credit = KeptPlace(firstWord: multicast.end, contentWordCount: 2)
  /// The last answer on the control ring.
  static let control = KeptPlace(firstWord: credit.end, contentWordCount: 3)
}

/// A value with its record. One thread at a time uses an instance.
struct KeptValue<Content: KeptContent, Memory: StateMemory>: Sendable {
  /// Whoever changes it calls ``save()`` before the guest is told.
  var value: Content
  private var record: StateRecord
  /// Nil where nothing is kept.
  private let memory: Memory?

  /// A value that is not in the page yet; what is there stays until the first ``save()``.
  init(_ value: Content, in memory: Memory?) {
    self.value = value
    self.memory = memory
    let place = Content.place
    record = StateRecord(at: place.firstWord, contentWordCount: place.contentWordCount)
    if let memory { record.goOn(in: memory) }
  }

  /// Puts the value into the page, where it replaces the last one at once or not at all.
  mutating func save() {
    guard let memory else { return }
    let value = value
    record.store(in: memory) { value.write(to: &$0) }
  }

  /// Takes over what an earlier process has saved, if it makes sense.
  ///
  /// - Returns: whether it did.
  mutating func restore() -> Bool {
    guard let memory, let words = record.load(from: memory),
      let found = Content(stateWords: words)
    else { return false }
    value = found
    return true
  }
}
