import Glibc
import PeerKit
import RingTransport
import SimulatedXen

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
    /// Whether a dead process's operations keep others out, as `O_EXCL` and `flock` do.
    var isFenced = true
    /// The size that it claims to have, where that is not its own.
    var reportedBytes: Int?
    /// How often it was opened.
    var openCount = 0
    /// Makes the copies of linked transfers; nil where it takes none.
    var copier: SimulatedHypervisor?
    /// After how many linked transfers it says that it takes none.
    var takenLinkCount = Int.max
    /// The copies of reads that are under way, and the writes whose copies were not made.
    fileprivate var readCopies: [Int: () -> Int] = [:]
    fileprivate var failures: [(token: Int, result: Int)] = []
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
    precondition(disk.inFlightCount == 0, "opened with operations in flight")
    close()
    if !control.openErrors.isEmpty { throw control.openErrors.removeFirst() }
    if disk.isGone { throw .missing(request.path) }
    if control.isFenced, disk.orphanCount > 0 { throw .inUse(request.path) }
    control.openCount += 1
    control.lastRequest = request
    control.isOpen = true
    geometry.isReadOnly = request.isReadOnly
    if !request.allowsDiscard { geometry.discard = nil }
    geometry.capacityBytes = UInt64(control.reportedBytes ?? disk.bytes.count)
    disk.isReadOnly = request.isReadOnly
    return geometry
  }

  mutating func close() {
    control.isOpen = false
  }

  var currentCapacityBytes: UInt64? {
    control.isOpen && !disk.isGone ? UInt64(disk.bytes.count) : nil
  }

  mutating func submit(_ operation: StorageOperation, buffer: borrowing PrivateMemory) -> Bool {
    let kind: ModelDisk.Kind =
      switch operation.kind {
      case .read: .read
      case .write: .write
      case .flush: .flush
      case .discard: .discard
      }
    precondition(control.isOpen, "work comes after the target")
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

  var copiesGrants: Bool { control.copier != nil }

  mutating func submit(
    _ operation: StorageOperation, buffer: borrowing PrivateMemory,
    copying copies: borrowing GrantCopyTable, _ range: Range<Int>
  ) -> Bool {
    precondition(!range.isEmpty)
    let copies = control.take(copies, range)
    if operation.kind == .read {
      guard submit(operation, buffer: buffer) else { return false }
      control.readCopies[operation.token] = copies
      return true
    }
    let result = copies()
    if result == 0 { return submit(operation, buffer: buffer) }
    control.failures.append((operation.token, result))
    return true
  }
}

extension ModelStorage.Control {
  /// A process dies with the copies of its linked transfers.
  func forgetLinks() {
    readCopies.removeAll()
    failures.removeAll()
  }

  /// Whether a linked write was not begun, and nobody has been told.
  var hasFailure: Bool { !failures.isEmpty }

  /// A linked write that was not begun.
  func takeFailure() -> (token: Int, result: Int)? {
    failures.isEmpty ? nil : failures.removeFirst()
  }

  /// A read has ended: makes the copies that were linked to it, if it has all.
  ///
  /// - Returns: what they come to; nil where there are none.
  func finishRead(_ token: Int, isWhole: Bool) -> Int? {
    guard let copies = readCopies.removeValue(forKey: token), isWhole else { return nil }
    return copies()
  }

  /// - Returns: what makes the copies, and gives zero or an error number.
  fileprivate func take(
    _ copies: borrowing GrantCopyTable, _ range: Range<Int>
  ) -> () -> Int {
    takenLinkCount -= 1
    if takenLinkCount <= 0 { copier = nil }
    guard let copier else { return { -Int(EOPNOTSUPP) } }
    let areMade = copier.machine.copies(copies, range, by: copier.domain)
    return { areMade() ? 0 : -Int(EIO) }
  }
}
