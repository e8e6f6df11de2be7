/// What XenStore said about a device while it was connected: with the same configuration, enough to
/// take it over.
struct StoreSnapshot: Sendable, Equatable {
  /// The leaf's own nodes; nil for one that is not there. So below.
  var configuration: [String?]
  /// What the guest was promised.
  var promises: [String?]
  /// Where the guest says that its rings are.
  var ring: [String?]

  /// The size of a snapshot in words: 4 KiB of text, with the two words of a ``StateRecord``. A
  /// device whose text is longer is taken over the slow way.
  static let wordCount = 510
  /// The first word of a snapshot, so that an empty record is none.
  private static let mark: UInt64 = 0x746f_6873_7061_6e53

  /// Reads a snapshot; nil when these words are none.
  init?(words: [UInt64]) {
    guard words.first == Self.mark else { return nil }
    var reader = TextReader(words: words.dropFirst())
    guard let configuration = reader.readList(), let promises = reader.readList(),
      let ring = reader.readList()
    else { return nil }
    self.init(configuration: configuration, promises: promises, ring: ring)
  }

  init(configuration: [String?], promises: [String?], ring: [String?]) {
    self.configuration = configuration
    self.promises = promises
    self.ring = ring
  }

  /// The snapshot as words; nil when there are too many.
  var words: [UInt64]? {
    var bytes: [UInt8] = []
    for list in [configuration, promises, ring] {
      bytes.append(UInt8(truncatingIfNeeded: list.count))
      guard list.count <= UInt8.max else { return nil }
      for value in list {
        // Zero stands for a missing node, so a text counts one more than its bytes.
        let count = value.map { $0.utf8.count + 1 } ?? 0
        guard count <= UInt16.max else { return nil }
        bytes += [UInt8(count & 0xff), UInt8(count >> 8)]
        if let value { bytes += value.utf8 }
      }
    }
    guard bytes.count <= (Self.wordCount - 1) * 8 else { return nil }
    var words = [Self.mark]
    for start in stride(from: 0, to: bytes.count, by: 8) {
      var word: UInt64 = 0
      for (place, byte) in bytes[start..<min(start + 8, bytes.count)].enumerated() {
        word |= UInt64(byte) << UInt64(8 * place)
      }
      words.append(word)
    }
    return words
  }
}

/// Takes texts out of words.
private struct TextReader {
  private let words: ArraySlice<UInt64>
  private var offset = 0

  init(words: ArraySlice<UInt64>) { self.words = words }

  mutating func readList() -> [String?]? {
    guard let count = readByte() else { return nil }
    var list: [String?] = []
    for _ in 0..<count {
      guard let low = readByte(), let high = readByte() else { return nil }
      let length = Int(low) | Int(high) << 8
      guard length > 0 else {
        list.append(nil)
        continue
      }
      var bytes: [UInt8] = []
      for _ in 1..<length {
        guard let byte = readByte() else { return nil }
        bytes.append(byte)
      }
      list.append(String(decoding: bytes, as: UTF8.self))
    }
    return list
  }

  private mutating func readByte() -> UInt8? {
    guard offset / 8 < words.count else { return nil }
    defer { offset += 1 }
    return UInt8(truncatingIfNeeded: words[words.startIndex + offset / 8] >> UInt64(offset % 8 * 8))
  }
}

extension StatusPage {
  /// What the guest of the device was promised, by what an earlier process has kept: a hint, for
  /// that process may have been a guest's. Nil where nothing is kept.
  public var keptPromises: [String?]? { StoreKeeper(self).kept?.promises }
}

/// Keeps a ``StoreSnapshot`` where the next process finds it.
struct StoreKeeper {
  private let memory: any StateMemory
  private var record = StateRecord(
    at: StatusLayout.snapshotFirstWord, contentWordCount: StoreSnapshot.wordCount)
  /// What is there.
  private(set) var kept: StoreSnapshot?

  /// Looks for what an earlier process has kept.
  init(_ memory: any StateMemory) {
    self.memory = memory
    kept = Self.load(&record, from: memory)
  }

  /// Keeps another snapshot, or none.
  mutating func keep(_ snapshot: StoreSnapshot?) {
    guard snapshot != kept else { return }
    let words = snapshot?.words
    kept = words == nil ? nil : snapshot
    Self.store(words ?? [], &record, in: memory)
  }

  private static func load(
    _ record: inout StateRecord, from memory: some StateMemory
  ) -> StoreSnapshot? {
    record.goOn(in: memory)
    return record.load(from: memory).flatMap(StoreSnapshot.init(words:))
  }

  private static func store(
    _ words: [UInt64], _ record: inout StateRecord, in memory: some StateMemory
  ) {
    record.store(in: memory) { writer in
      for word in words { writer.append(word) }
    }
  }
}
