import RingTransport
import Synchronization
import SystemPackage

/// Frames that one queue's thread received and another queue's guest side is to get: the guest has
/// chosen a hash that says which queue, and the network did not know it.
///
/// Bounded: what does not fit into an inbox is dropped, as at the end of any queue. Any thread uses
/// it.
final class FrameExchange: Sendable {
  /// Memory of an inbox: three of the largest frames.
  private static let inboxByteCount = 256 * 1024
  /// Frames of an inbox, as many as a receive ring has pages.
  private static let inboxFrameCount = NetLimits.ringSlotCount

  private let inboxes: [Inbox]
  let queueCount: Int

  /// Makes an inbox for each queue.
  ///
  /// - Parameter wakeUps: for each queue what wakes its thread.
  init(_ wakeUps: [WakeUp]) throws(Errno) {
    var inboxes: [Inbox] = []
    for wakeUp in wakeUps { inboxes.append(try Inbox(wakeUp)) }
    self.inboxes = inboxes
    queueCount = wakeUps.count
  }

  /// Puts a header and frame into a queue's inbox, if there is room.
  func deliver(
    _ memory: borrowing PrivateMemory, at offset: Int, byteCount: Int, to queue: Int
  ) {
    let bytes = memory.bytes.extracting(offset..<offset + byteCount)
    let isDelivered = inboxes[queue].content.withLock { $0.append(bytes) }
    if isDelivered { inboxes[queue].wakeUp.signal() }
  }

  /// Takes the next header and frame out of a queue's own inbox.
  func take(
    for queue: Int, into memory: borrowing PrivateMemory, at offset: Int, byteCount: Int
  ) -> Int? {
    // SAFETY: `address` checks the range, of which the caller has no view meanwhile.
    var room = unsafe MutableRawSpan(
      _unsafeStart: memory.address(of: offset, byteCount: byteCount), byteCount: byteCount)
    return inboxes[queue].content.withLock { $0.takeFirst(into: &room) }
  }

  private final class Inbox: Sendable {
    let content: Mutex<Content>
    let wakeUp: WakeUp

    init(_ wakeUp: WakeUp) throws(Errno) {
      self.wakeUp = wakeUp
      content = Mutex(
        Content(
          memory: try PrivateMemory(byteCount: FrameExchange.inboxByteCount),
          frames: [], first: 0, end: 0))
    }
  }

  /// Frames one behind the other from the start of the memory; it begins anew when all are taken.
  private struct Content: ~Copyable {
    var memory: PrivateMemory
    var frames: [Range<Int>]
    var first: Int
    var end: Int

    mutating func append(_ bytes: RawSpan) -> Bool {
      guard frames.count < FrameExchange.inboxFrameCount,
        end + bytes.byteCount <= memory.byteCount
      else { return false }
      let range = end..<end + bytes.byteCount
      var room = memory.mutableBytes(range)
      room.copyBytes(of: bytes)
      frames.append(range)
      end = range.upperBound
      return true
    }

    mutating func takeFirst(into room: inout MutableRawSpan) -> Int? {
      guard first < frames.count else { return nil }
      let range = frames[first]
      first += 1
      let count = min(range.count, room.byteCount)
      room.copyBytes(of: memory.bytes.extracting(range.lowerBound..<range.lowerBound + count))
      if first == frames.count {
        frames.removeAll(keepingCapacity: true)
        (first, end) = (0, 0)
      }
      return count
    }
  }
}

extension MutableRawSpan {
  /// Copies all of `source` to the start.
  mutating func copyBytes(of source: RawSpan) {
    precondition(source.byteCount <= byteCount)
    // SAFETY: both ranges were checked, and a span that is written overlaps no other.
    unsafe withUnsafeMutableBytes { target in
      unsafe source.withUnsafeBytes { bytes in unsafe target.copyMemory(from: bytes) }
    }
  }
}
