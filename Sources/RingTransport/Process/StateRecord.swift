/// A few words of a backend's state that change together: whoever reads them after a crash finds
/// either all of the last change or all of the one before.
///
/// There are two copies, and each change goes to the older one:
///
/// | word | what |
/// |---|---|
/// | 0 | the change's number, 0 while the copy is being written |
/// | 1 | a sum over number and content |
/// | 2... | the content |
///
/// The sum is there for pages that hold something else; it keeps out nobody who means harm, so what
/// is read is judged like any stranger's word. One thread at a time uses an instance.
public struct StateRecord: Sendable {
  private let firstWord: Int
  private let contentWordCount: Int
  private var number: UInt64 = 0
  private var nextCopy = 0

  private static let headWordCount = 2

  /// How many words of the memory a record with so much content takes.
  public static func wordCount(contentWordCount: Int) -> Int {
    2 * (headWordCount + contentWordCount)
  }

  /// The record at a place in memory. Nothing is read or written yet.
  public init(at firstWord: Int, contentWordCount: Int) {
    self.firstWord = firstWord
    self.contentWordCount = contentWordCount
  }

  /// Takes over what is there: the next change replaces the older copy.
  public mutating func goOn<Memory: StateMemory>(in memory: Memory) {
    guard let (copy, number) = newest(in: memory) else { return }
    self.number = number
    nextCopy = 1 - copy
  }

  /// Changes the content. Words that `body` does not write are zero; more than there are trap.
  public mutating func store<Memory: StateMemory>(
    in memory: Memory, _ body: (inout StateWriter<Memory>) -> Void
  ) {
    let start = word(ofCopy: nextCopy)
    number &+= 1
    if number == 0 { number = 1 }
    memory.storeState(0, at: start)
    var writer = StateWriter(
      memory: memory, words: start + Self.headWordCount..<end(ofCopy: nextCopy),
      sum: StateSum(number: number))
    body(&writer)
    writer.finish()
    memory.storeState(writer.sum.value, at: start + 1)
    memory.storeState(number, at: start)
    nextCopy = 1 - nextCopy
  }

  /// The last whole content; nil when there is none.
  public func load<Memory: StateMemory>(from memory: Memory) -> [UInt64]? {
    guard let (copy, _) = newest(in: memory) else { return nil }
    return (word(ofCopy: copy) + Self.headWordCount..<end(ofCopy: copy)).map {
      memory.loadState($0)
    }
  }

  private func word(ofCopy copy: Int) -> Int {
    firstWord + copy * (Self.headWordCount + contentWordCount)
  }

  private func end(ofCopy copy: Int) -> Int { word(ofCopy: copy + 1) }

  private func newest<Memory: StateMemory>(
    in memory: Memory
  ) -> (copy: Int, number: UInt64)? {
    let (first, second) = (number(ofCopy: 0, in: memory), number(ofCopy: 1, in: memory))
    if first == 0, second == 0 { return nil }
    // The difference wraps as the numbers do.
    let isFirstNewer = second == 0 || (first != 0 && Int64(bitPattern: first &- second) > 0)
    return isFirstNewer ? (0, first) : (1, second)
  }

  /// The number of the change that a copy holds, 0 for one that is not whole.
  private func number<Memory: StateMemory>(
    ofCopy copy: Int, in memory: Memory
  ) -> UInt64 {
    let start = word(ofCopy: copy)
    let number = memory.loadState(start)
    guard number != 0 else { return 0 }
    var sum = StateSum(number: number)
    for word in start + Self.headWordCount..<end(ofCopy: copy) {
      sum.add(memory.loadState(word))
    }
    return memory.loadState(start + 1) == sum.value ? number : 0
  }
}

/// Writes the content of a ``StateRecord``, word by word.
public struct StateWriter<Memory: StateMemory> {
  private let memory: Memory
  private var words: Range<Int>
  fileprivate private(set) var sum: StateSum

  fileprivate init(memory: Memory, words: Range<Int>, sum: StateSum) {
    self.memory = memory
    self.words = words
    self.sum = sum
  }

  /// Writes the next word.
  public mutating func append(_ value: UInt64) {
    memory.storeState(value, at: words.lowerBound)
    words = words.lowerBound + 1..<words.upperBound
    sum.add(value)
  }

  fileprivate mutating func finish() {
    while !words.isEmpty { append(0) }
  }
}

/// A sum that differs for words in another order.
private struct StateSum {
  private(set) var value: UInt64

  init(number: UInt64) {
    value = 0x9e37_79b9_7f4a_7c15
    add(number)
  }

  mutating func add(_ word: UInt64) {
    // The multiplier of FNV-1a, and a shift, for multiplication carries nothing downwards.
    value = (value ^ word) &* 0x100_0000_01b3
    value ^= value >> 29
  }
}
