import PeerKit
import RingTransport
import Synchronization

/// A backend's end of a ring for models: no checks, no secrets.
final class ModelRing {
  /// A slot that was taken.
  struct Slot {
    let index: UInt32
    let bytes: [UInt8]
  }

  let port: EventChannelPort
  /// Where the next response goes, whatever it is.
  var produced: UInt32
  private let pages: SharedPages
  private let slotByteCount: Int
  private var consumed: UInt32
  private var notified: UInt32

  init(_ pages: consuming SharedPages, slotByteCount: Int, port: EventChannelPort) {
    let start = pages.loadAcquiring(at: 8)
    self.pages = pages
    self.slotByteCount = slotByteCount
    self.port = port
    (produced, consumed, notified) = (start, start, start)
  }

  /// Slots that the frontend has shown and that were not taken.
  var waitingCount: Int { Int(pages.loadAcquiring(at: 0) &- consumed) }

  func take() -> Slot {
    let bytes = pages.bytes(from: offset(consumed), count: slotByteCount)
    consumed &+= 1
    return Slot(index: consumed &- 1, bytes: bytes)
  }

  func put(_ bytes: [UInt8]) {
    write(bytes, at: offset(produced))
    produced &+= 1
  }

  func write(_ bytes: [UInt8], at offset: Int) {
    // SAFETY: the raw bytes of initialised integers.
    pages.copyIn(unsafe bytes.span.bytes, to: offset)
  }

  func publish() { pages.storeReleasing(produced, at: 8) }

  /// `RING_PUSH_RESPONSES_AND_CHECK_NOTIFY`
  func takeNotifyDecision() -> Bool {
    atomicMemoryFence(ordering: .sequentiallyConsistent)
    let wanted = pages.loadAcquiring(at: 12)
    defer { notified = produced }
    return produced &- wanted < produced &- notified
  }

  /// Asks for an event when `count` slots wait.
  ///
  /// - Returns: true when they do already.
  func armRequestEvent(ahead count: UInt32 = 1) -> Bool {
    pages.storeReleasing(consumed &+ count, at: 4)
    atomicMemoryFence(ordering: .sequentiallyConsistent)
    return waitingCount >= Int(count)
  }

  private func offset(_ index: UInt32) -> Int { 64 + Int(index & 255) * slotByteCount }
}
