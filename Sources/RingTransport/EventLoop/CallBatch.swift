internal import CURing
internal import Glibc
public import SystemPackage

/// Reads, writes and grant copies that the kernel does in one system call, in their order. None of
/// them waits: what cannot be done at once fails.
///
/// A batch belongs to the thread that made it. Nothing is under way between calls.
@safe public struct CallBatch: ~Copyable {
  /// How many calls one batch takes.
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

  /// Adds a write of `byteCount` bytes of `memory` from `offset`, to a descriptor that does not
  /// block. Its memory must stay until ``run(_:)`` returns, as for all calls. At most ``capacity``
  /// of them all.
  public mutating func appendWrite(
    to descriptor: Int32, from memory: borrowing PrivateMemory, at offset: Int, byteCount: Int,
    token: Int
  ) {
    expectRoom()
    // SAFETY: in bounds of the memory, which the caller keeps until the write has ended.
    unsafe c_uring_write(
      ring, descriptor, memory.address(of: offset, byteCount: byteCount), UInt32(byteCount), 0,
      UInt64(token), 0)
    count += 1
  }

  /// Adds a read of at most `byteCount` bytes into `memory` at `offset`; `EAGAIN` when there is
  /// nothing to read.
  public mutating func appendRead(
    from descriptor: Int32, into memory: borrowing PrivateMemory, at offset: Int, byteCount: Int,
    token: Int
  ) {
    expectRoom()
    // SAFETY: as above.
    unsafe c_uring_read_waiting(
      ring, descriptor, memory.address(of: offset, byteCount: byteCount), UInt32(byteCount),
      UInt64(token))
    count += 1
  }

  /// Adds all operations of a batch of grant copies, for a kernel that takes commands to the grant
  /// device (``Hypervisor/grantDescriptor``); any other answers `EOPNOTSUPP`. What became of
  /// each operation says `copies`.
  public mutating func append(
    _ copies: inout GrantCopyBatch, through grantDescriptor: Int32, token: Int
  ) {
    expectRoom()
    // SAFETY: the caller keeps the batch, whose memory does not move.
    unsafe copies.withSegments { segments in
      unsafe c_uring_grant_copy(
        ring, grantDescriptor, segments.baseAddress, UInt32(segments.count), UInt64(token), 0)
    }
    count += 1
  }

  private func expectRoom() {
    precondition(count < Self.capacity, "the owner runs the batch first")
  }

  /// Does all that was added, and tells of each its token and what it has answered: a number of
  /// bytes, or a negative errno.
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
