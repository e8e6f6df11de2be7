import RingTransport

/// Hands out runs of contiguous pages of a device's buffer, lowest address first, so that a lightly
/// used device touches little memory.
///
/// A bit per page; runs are short (at most 256 pages), requests come and go in about the same
/// order, so a first fit finds its place at once.
struct PagePool {
  /// How many pages there are.
  let pageCount: Int
  private var used: [Bool]
  private(set) var freeCount: Int
  /// No free page lies below.
  private var lowestFree = 0

  /// A pool of `pageCount` free pages.
  init(pageCount: Int) {
    precondition(pageCount > 0)
    self.pageCount = pageCount
    used = Array(repeating: false, count: pageCount)
    freeCount = pageCount
  }

  /// Takes `count` contiguous pages.
  ///
  /// - Returns: the first page, or nil when no run of that length is free now.
  mutating func allocate(_ count: Int) -> Int? {
    precondition(count > 0)
    guard count <= freeCount else { return nil }
    var start = lowestFree
    var position = start
    while position < pageCount {
      if used[position] {
        start = position + 1
      } else if position - start + 1 == count {
        for page in start...position { used[page] = true }
        freeCount -= count
        if start == lowestFree { lowestFree = position + 1 }
        return start
      }
      position += 1
    }
    return nil
  }

  /// Gives back `count` pages from `first`, as they were taken.
  mutating func free(first: Int, count: Int) {
    precondition(first >= 0 && count > 0 && first + count <= pageCount)
    for page in first..<(first + count) {
      precondition(used[page], "a page is given back once")
      used[page] = false
    }
    freeCount += count
    lowestFree = min(lowestFree, first)
  }
}
