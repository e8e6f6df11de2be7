internal import RingTransport
internal import Synchronization

/// A status page's state whose writer dies after so many stores: the rest of them never happen.
package final class MortalMemory: StateMemory {
  private struct Content {
    var words = [UInt64](repeating: 0, count: StatusLayout.memoryWordCount)
    var storesLeft = Int.max
  }

  private let content = Mutex(Content())

  /// Zeroes, and a writer that lives.
  package init() {}

  /// How many stores the writer lives to make.
  package var storesLeft: Int {
    get { content.withLock { $0.storesLeft } }
    set { content.withLock { $0.storesLeft = newValue } }
  }

  /// Changes one bit, as no writer would.
  package func flip(word: Int, bit: Int) {
    content.withLock { $0.words[word] ^= 1 << UInt64(bit) }
  }

  package func loadState(_ word: Int) -> UInt64 {
    content.withLock { $0.words[word] }
  }

  package func storeState(_ value: UInt64, at word: Int) {
    content.withLock { content in
      guard content.storesLeft > 0 else { return }
      if content.storesLeft < .max { content.storesLeft -= 1 }
      content.words[word] = value
    }
  }
}
