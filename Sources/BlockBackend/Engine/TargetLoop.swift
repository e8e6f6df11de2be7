import RingTransport
import SystemPackage

/// The process's event loop with the target whose I/O runs in it.
struct TargetLoop: BlockStorage, ~Copyable {
  var loop: EventLoop
  private let opener: Opener?
  private var announced: BlockTarget.Request?
  private var target: BlockTarget?
  /// The target's descriptor, -1 without one.
  private var targetDescriptor: Int32 = -1

  /// Takes over the loop; there is no target yet.
  init(_ loop: consuming EventLoop) {
    self.init(loop, opener: nil)
  }

  /// - Parameter opener: opens the target, where this process may not.
  init(_ loop: consuming EventLoop, opener: Opener?) {
    self.loop = loop
    self.opener = opener
  }

  mutating func announce(_ request: BlockTarget.Request) {
    guard let opener, announced != request else { return }
    announced = request
    TargetOpening.announce(request, to: opener)
  }

  mutating func open(_ request: BlockTarget.Request) throws(BlockTargetError) -> BlockGeometry {
    close()
    let opened: BlockTarget
    if let opener {
      opened = try TargetOpening.open(request, by: opener)
    } else {
      opened = try BlockTarget(opening: request)
    }
    let geometry = opened.geometry
    targetDescriptor = opened.descriptor
    target = consume opened
    return geometry
  }

  mutating func close() {
    targetDescriptor = -1
    target = nil
  }

  var currentCapacityBytes: UInt64? {
    switch target {
    case .some(let target): target.currentCapacityBytes
    case .none: nil
    }
  }

  /// The queue that owns the buffer waits for every completion before it goes.
  mutating func submit(
    _ operation: StorageOperation, buffer: borrowing PrivateMemory
  ) -> Bool {
    precondition(targetDescriptor >= 0, "work comes after the target")
    switch operation.kind {
    case .read:
      loop.read(
        from: targetDescriptor, at: operation.byteOffset, byteCount: Int(operation.byteCount),
        into: buffer, at: operation.bufferOffset, token: operation.token)
    case .write:
      loop.write(
        to: targetDescriptor, at: operation.byteOffset, byteCount: Int(operation.byteCount),
        from: buffer, at: operation.bufferOffset, token: operation.token)
    case .flush:
      loop.flush(targetDescriptor, token: operation.token)
    case .discard:
      loop.punchHole(
        in: targetDescriptor, at: operation.byteOffset, byteCount: operation.byteCount,
        token: operation.token)
    }
    return true
  }

  var copiesGrants: Bool { loop.copiesGrants }

  mutating func submit(
    _ operation: StorageOperation, buffer: borrowing PrivateMemory,
    copying copies: borrowing GrantCopyTable, _ range: Range<Int>
  ) -> Bool {
    precondition(targetDescriptor >= 0, "work comes after the target")
    let byteCount = Int(operation.byteCount)
    if operation.kind == .read {
      loop.read(
        from: targetDescriptor, at: operation.byteOffset, byteCount: byteCount,
        into: buffer, at: operation.bufferOffset, copying: copies, range, token: operation.token)
    } else {
      loop.write(
        to: targetDescriptor, at: operation.byteOffset, byteCount: byteCount,
        from: buffer, at: operation.bufferOffset, copying: copies, range, token: operation.token)
    }
    return true
  }
}
