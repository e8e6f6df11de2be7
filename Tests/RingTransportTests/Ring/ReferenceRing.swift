import CRingReference
import Glibc
import PeerKit
import RingTransport

/// A ring whose two ends are the macros of `xen/io/ring.h`.
@safe final class ReferenceRing {
  let abi: reference_abi
  let byteCount: Int
  private let memory: UnsafeMutableRawPointer
  private var front: reference_end
  private var back: reference_end

  init(abi: WireABI, byteCount: Int, start: UInt32) {
    self.abi = abi.reference
    self.byteCount = byteCount
    unsafe memory = .allocate(byteCount: byteCount, alignment: xenPageByteCount)
    // SAFETY: fresh memory of this size.
    unsafe _ = memset(memory, 0, byteCount)
    unsafe reference_shared_init(memory)
    unsafe front = reference_front_attach(abi.reference, memory, byteCount, start)
    unsafe back = reference_back_attach(abi.reference, memory, byteCount, start)
    for offset in [0, 8] { poke(start, at: offset) }
    for offset in [4, 12] { poke(start &+ 1, at: offset) }
  }

  deinit {
    unsafe memory.deallocate()
  }

  func poke(_ value: UInt32, at offset: Int) {
    precondition(offset >= 0 && offset <= byteCount - 4)
    // SAFETY: in bounds.
    unsafe memory.storeBytes(of: value, toByteOffset: offset, as: UInt32.self)
  }

  /// Whether all bytes are these.
  func holds(_ bytes: [UInt8]) -> Bool {
    guard bytes.count == byteCount else { return false }
    return unsafe bytes.withUnsafeBytes { theirs in
      guard let start = theirs.baseAddress else { return false }
      // SAFETY: both are as long as was checked.
      return unsafe memcmp(start, memory, byteCount) == 0
    }
  }

  // SAFETY of all that follows: each call gets an end whose page is `memory`.

  var freeCount: UInt32 { unsafe reference_front_free(&front) }
  var unconsumedResponses: UInt32 { unsafe reference_front_unconsumed(&front) }
  var unconsumedRequests: UInt32 { unsafe reference_back_unconsumed(&back) }

  func putRequest(_ slot: [UInt8]) {
    put(slot, unsafe front.produced)
    unsafe front.produced &+= 1
  }

  func putResponse(_ response: [UInt8]) {
    put(response, unsafe back.produced)
    unsafe back.produced &+= 1
  }

  func takeRequest() { unsafe back.consumed &+= 1 }
  func takeResponse() { unsafe front.consumed &+= 1 }
  func pushRequests() -> Bool { unsafe reference_front_push_and_check(&front) != 0 }
  func pushResponses() -> Bool { unsafe reference_back_push_and_check(&back) != 0 }
  func finalCheckForRequests() -> Bool { unsafe reference_back_final_check(&back) != 0 }
  func finalCheckForResponses() -> Bool { unsafe reference_front_final_check(&front) != 0 }

  func producerOverflows(_ producer: UInt32) -> Bool {
    unsafe reference_back_producer_overflows(&back, producer) != 0
  }

  private func put(_ bytes: [UInt8], _ index: UInt32) {
    let offset = reference_slot_offset(abi, byteCount, index)
    unsafe bytes.withUnsafeBytes { source in
      guard let start = source.baseAddress else { return }
      // SAFETY: a slot, which is as large as any request.
      unsafe _ = memcpy(memory + offset, start, source.count)
    }
  }
}
