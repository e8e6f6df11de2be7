import PeerKit
import RingTransport

@testable import BlockBackend

/// A ``ModelDisk`` as the engine's storage.
struct ModelStorage: BlockStorage {
  let disk: ModelDisk
  /// What ``open(_:)`` answers.
  var geometry: BlockGeometry

  init(_ disk: ModelDisk, geometry: BlockGeometry) {
    self.disk = disk
    self.geometry = geometry
    disk.isReadOnly = geometry.isReadOnly
  }

  mutating func open(_ request: BlockTarget.Request) throws(BlockTargetError) -> BlockGeometry {
    geometry
  }

  mutating func close() {}

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
