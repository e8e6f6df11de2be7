internal import CURing
internal import Glibc
public import SystemPackage

/// Writes that the kernel does in one system call, in their order: for descriptors that do not
/// block, each of which would otherwise cost a call.
///
/// A batch belongs to the thread that made it. Nothing is under way between calls.
@safe public struct WriteBatch: ~Copyable {
  /// How many writes one batch takes.
  public static let capacity = 64

  private let ring: OpaquePointer
  private var count: UInt32 = 0

  /// Sets up an io_uring of its own.
  public init() throws(Errno) {
    var error: Int32 = 0
    // SAFETY: closed in `deinit` only.
    guard let ring = unsafe c_uring_open(UInt32(Self.capacity), &error) else {
      throw Errno(rawValue: error)
    }
    unsafe self.ring = ring
  }

  deinit {
    // SAFETY: the last use.
    unsafe c_uring_close(ring)
  }

  /// Adds a write of `byteCount` bytes of `memory` from `offset`, which must stay until ``run(_:)``
  /// returns. At most ``capacity``.
  public mutating func append(
    to descriptor: Int32, from memory: borrowing PrivateMemory, at offset: Int, byteCount: Int,
    token: Int
  ) {
    precondition(count < Self.capacity, "the owner runs the batch first")
    // SAFETY: in bounds of the memory, which the caller keeps until the write has ended.
    unsafe c_uring_write(
      ring, descriptor, memory.address(of: offset, byteCount: byteCount), UInt32(byteCount), 0,
      UInt64(token), 0)
    count += 1
  }

  /// Does all that was added, and tells of each its token and how many bytes it has written, or a
  /// negative errno.
  public mutating func run(_ body: (_ token: Int, _ result: Int) -> Void) throws(Errno) {
    var completion = c_uring_completion()
    while count > 0 {
      // SAFETY: the ring is open; completions are copied out.
      let result = unsafe c_uring_run(ring, count)
      guard result >= 0 || result == -EINTR else { throw Errno(rawValue: -result) }
      while unsafe c_uring_next(ring, &completion) != 0 {
        count -= 1
        body(Int(completion.data), Int(completion.result))
      }
    }
  }
}
