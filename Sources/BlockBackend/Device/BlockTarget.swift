internal import CLinux
internal import Glibc
import RingTransport
import SystemPackage

/// What a disk is made of: a block device, a partition, or a raw image file, opened for this
/// process alone.
///
/// Nobody else may write what a guest takes for its own disk. A writable block device is opened
/// with `O_EXCL`, which also keeps file systems off it; every target is locked with `flock`, shared
/// by readers and exclusive for a writer. Both belong to the open file, so they last until the
/// kernel has finished the last request of a dead process.
///
/// What is acknowledged must survive the death of this domain. So nothing goes through its page
/// cache (`O_DIRECT`), and a file's metadata are written before a write is answered (`O_DSYNC`).
struct BlockTarget: ~Copyable {
  private let file: OwnedFileDescriptor
  /// Whether it is one, or a file.
  let isBlockDevice: Bool
  /// The target as it was when it was opened.
  let geometry: BlockGeometry

  /// What to open, and how.
  struct Request: Sendable, Equatable {
    var path: String
    var isReadOnly: Bool
    /// Whether the administrator lets the guest discard (`discard-enable`).
    var allowsDiscard: Bool
  }

  /// Opens and measures a target. Does not wait for anybody.
  ///
  /// - Throws: ``BlockTargetError/inUse(_:)`` when somebody has it; that may pass.
  init(opening request: Request) throws(BlockTargetError) {
    let path = request.path
    guard path.hasPrefix("/") else { throw .notAbsolute(path) }
    let isBlockDevice = try Self.isBlockDevice(path)
    let file = try Self.open(request, isBlockDevice: isBlockDevice)
    let geometry = try Self.measure(
      file.rawValue, request: request, isBlockDevice: isBlockDevice)
    self.file = file
    self.isBlockDevice = isBlockDevice
    self.geometry = geometry
  }

  /// Takes over a target that another process opened and measured.
  init(
    adopting file: consuming OwnedFileDescriptor, isBlockDevice: Bool, geometry: BlockGeometry
  ) {
    self.file = file
    self.isBlockDevice = isBlockDevice
    self.geometry = geometry
  }

  /// Gives the open file away.
  consuming func release() -> OwnedFileDescriptor { file }

  /// For the event loop. Valid as long as the target.
  var descriptor: Int32 { file.rawValue }

  /// The capacity as it is now, in bytes; nil when the target cannot tell any more.
  var currentCapacityBytes: UInt64? {
    let sector = UInt64(geometry.logicalSectorByteCount)
    return try? Self.byteCount(file.rawValue, isBlockDevice: isBlockDevice) / sector * sector
  }

  private static func isBlockDevice(_ path: String) throws(BlockTargetError) -> Bool {
    var status = stat()
    do throws(Errno) {
      // SAFETY: a path as a C string and a structure of ours, for the time of the call.
      try systemCall { unsafe stat(path, &status) }
    } catch {
      throw error == .noSuchFileOrDirectory ? .missing(path) : .system("open", path, error)
    }
    if c_is_block_device(status.st_mode) != 0 { return true }
    if c_is_regular_file(status.st_mode) != 0 { return false }
    throw .wrongKind(path)
  }

  private static func open(
    _ request: Request, isBlockDevice: Bool
  ) throws(BlockTargetError) -> OwnedFileDescriptor {
    let path = request.path
    var flags = O_CLOEXEC | c_open_direct
    flags |= request.isReadOnly ? O_RDONLY : O_RDWR
    if isBlockDevice, !request.isReadOnly { flags |= O_EXCL }
    if !isBlockDevice { flags |= O_DSYNC }
    let number: Int32
    do throws(Errno) {
      // SAFETY: a path as a C string, for the time of the call.
      number = try systemCall { unsafe c_open(path, flags) }
    } catch {
      switch error {
      case .resourceBusy: throw .inUse(path)
      case .readOnlyFileSystem, .permissionDenied: throw .readOnly(path)
      case .invalidArgument: throw .noDirectIO(path)
      default: throw .system("open", path, error)
      }
    }
    let file = OwnedFileDescriptor(adopting: FileDescriptor(rawValue: number))
    do throws(Errno) {
      try systemCall {
        flock(file.rawValue, (request.isReadOnly ? LOCK_SH : LOCK_EX) | LOCK_NB)
      }
    } catch {
      if error == .wouldBlock { throw .inUse(path) }
      throw .system("lock", path, error)
    }
    return file
  }

  private static func measure(
    _ descriptor: Int32, request: Request, isBlockDevice: Bool
  ) throws(BlockTargetError) -> BlockGeometry {
    let path = request.path
    var geometry = BlockGeometry(capacityBytes: 0)
    geometry.isReadOnly = request.isReadOnly
    do throws(Errno) {
      if isBlockDevice {
        try readSectorSizes(descriptor, into: &geometry)
        var isReadOnly: Int32 = 0
        // SAFETY: an integer of ours, for the time of the call.
        try systemCall { unsafe c_block_read_only(descriptor, &isReadOnly) }
        if isReadOnly != 0, !request.isReadOnly { throw Errno.readOnlyFileSystem }
      } else {
        geometry.logicalSectorByteCount = smallestDirectRead(descriptor)
        geometry.physicalSectorByteCount = 4096
      }
      geometry.capacityBytes = try byteCount(descriptor, isBlockDevice: isBlockDevice)
    } catch {
      if error == .readOnlyFileSystem { throw .readOnly(path) }
      throw .system("measure", path, error)
    }
    let sector = UInt64(geometry.logicalSectorByteCount)
    geometry.capacityBytes = geometry.capacityBytes / sector * sector
    guard geometry.capacityBytes > 0 else { throw .empty(path) }
    if request.allowsDiscard, !request.isReadOnly {
      geometry.discard =
        isBlockDevice
        ? DiscardLimits.ofBlockDevice(descriptor)
        : .init(granularityBytes: 4096, alignmentBytes: 0)
    }
    return geometry
  }

  private static func readSectorSizes(
    _ descriptor: Int32, into geometry: inout BlockGeometry
  ) throws(Errno) {
    var logical: Int32 = 0
    var physical: UInt32 = 0
    // SAFETY: integers of ours, for the time of the calls.
    try systemCall { unsafe c_block_logical_sector_bytes(descriptor, &logical) }
    try systemCall { unsafe c_block_physical_sector_bytes(descriptor, &physical) }
    geometry.logicalSectorByteCount = max(Int(logical), BlockLimits.sectorByteCount)
    geometry.physicalSectorByteCount = max(Int(physical), geometry.logicalSectorByteCount)
  }

  /// The smallest unit of direct I/O on a file, found by asking for it: file systems on devices
  /// with large sectors refuse small ones.
  private static func smallestDirectRead(_ descriptor: Int32) -> Int {
    guard let probe = try? PrivateMemory(byteCount: xenPageByteCount) else { return 512 }
    // SAFETY: a page of ours, for the time of the call.
    let result = unsafe pread(descriptor, probe.address(of: 0, byteCount: 512), 512, 0)
    return result < 0 ? 4096 : 512
  }

  private static func byteCount(
    _ descriptor: Int32, isBlockDevice: Bool
  ) throws(Errno) -> UInt64 {
    if isBlockDevice {
      var bytes: UInt64 = 0
      // SAFETY: an integer of ours, for the time of the call.
      try systemCall { unsafe c_block_capacity_bytes(descriptor, &bytes) }
      return bytes
    }
    var status = stat()
    // SAFETY: a structure of ours, for the time of the call.
    try systemCall { unsafe fstat(descriptor, &status) }
    return UInt64(max(0, status.st_size))
  }
}
