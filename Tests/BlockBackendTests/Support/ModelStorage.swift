import PeerKit
import RingTransport

@testable import BlockBackend

/// A ``ModelDisk`` as the engine's storage.
struct ModelStorage: BlockStorage {
  /// What a test knows and decides about the target from outside.
  final class Control {
    /// Why the next attempts to open it fail.
    var openErrors: [BlockTargetError] = []
    /// What was opened last.
    var lastRequest: BlockTarget.Request?
    var isOpen = false
  }

  let disk: ModelDisk
  /// What ``open(_:)`` answers.
  var geometry: BlockGeometry
  let control: Control

  init(_ disk: ModelDisk, geometry: BlockGeometry, control: Control = Control()) {
    self.disk = disk
    self.geometry = geometry
    self.control = control
    disk.isReadOnly = geometry.isReadOnly
  }

  mutating func open(_ request: BlockTarget.Request) throws(BlockTargetError) -> BlockGeometry {
    if !control.openErrors.isEmpty { throw control.openErrors.removeFirst() }
    control.lastRequest = request
    control.isOpen = true
    geometry.isReadOnly = request.isReadOnly
    geometry.capacityBytes = UInt64(disk.bytes.count)
    disk.isReadOnly = request.isReadOnly
    return geometry
  }

  mutating func close() {
    control.isOpen = false
  }

  var currentCapacityBytes: UInt64? { UInt64(disk.bytes.count) }

  mutating func submit(_ operation: StorageOperation, buffer: borrowing PrivateMemory) -> Bool {
    let kind: ModelDisk.Kind =
      switch operation.kind {
      case .read: .read
      case .write: .write
      case .flush: .flush
      case .discard: .discard
      }
    var memory: UnsafeMutableRawPointer?
    if kind == .read || kind == .write {
      // SAFETY: the queue keeps its buffer until all operations have ended.
      unsafe memory = buffer.address(
        of: operation.bufferOffset, byteCount: Int(operation.byteCount))
    }
    // SAFETY: as above.
    return unsafe disk.submit(
      ModelDisk.Operation(
        kind: kind, offset: operation.byteOffset, count: operation.byteCount,
        token: operation.token, memory: memory))
  }
}
