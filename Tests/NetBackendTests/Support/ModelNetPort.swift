import PeerKit
import RingTransport

@testable import NetBackend

/// A ``ModelPort`` as the engine's port.
struct ModelNetPort: NetPort {
  let model: ModelPort
  var readsAhead = false

  mutating func send(
    _ memory: borrowing PrivateMemory, at offset: Int, byteCount: Int
  ) -> Bool {
    // SAFETY: the range is checked, and the memory stays for the call.
    let bytes = unsafe UnsafeRawBufferPointer(
      start: memory.address(of: offset, byteCount: byteCount), count: byteCount)
    return model.send(unsafe Array(bytes))
  }

  mutating func receive(
    into memory: borrowing PrivateMemory, at offset: Int, byteCount: Int
  ) -> Int? {
    guard let frame = model.take(room: byteCount) else { return nil }
    // SAFETY: as above.
    let room = unsafe UnsafeMutableRawBufferPointer(
      start: memory.address(of: offset, byteCount: byteCount), count: byteCount)
    unsafe room.copyBytes(from: frame)
    return frame.count
  }
}
