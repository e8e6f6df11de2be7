import Glibc
import SystemPackage
import Testing

@testable import BlockBackend

/// Opening targets, on real files.
struct BlockTargetTests {
  private let scratch = ScratchDirectory()

  @Test func aSparseFile() throws {
    guard let scratch else { return }
    let path = scratch.makeFile("disk", byteCount: 8 << 30)
    let target = try BlockTarget(opening: request(path))
    #expect(target.geometry.capacityBytes == 8 << 30)
    #expect([512, 4096].contains(target.geometry.logicalSectorByteCount))
    #expect(target.geometry.physicalSectorByteCount == 4096)
    #expect(!target.geometry.isReadOnly)
    #expect(target.geometry.discard != nil)
    #expect(target.currentCapacityBytes == 8 << 30)
    var status = stat()
    #expect(unsafe stat(path, &status) == 0)
    #expect(status.st_blocks == 0, "opening it writes nothing")
  }

  /// What is no whole sector at the end is not the guest's.
  @Test func anOddSize() throws {
    guard let scratch else { return }
    let target = try BlockTarget(
      opening: request(scratch.makeFile("disk", byteCount: 3 * 4096 + 4095)))
    let sector = UInt64(target.geometry.logicalSectorByteCount)
    #expect(target.geometry.capacityBytes == (3 * 4096 + 4095) / sector * sector)
    #expect(target.currentCapacityBytes == target.geometry.capacityBytes)
  }

  @Test func growth() throws {
    guard let scratch else { return }
    let path = scratch.makeFile("disk", byteCount: 1 << 20)
    let target = try BlockTarget(opening: request(path))
    #expect(unsafe truncate(path, 2 << 20) == 0)
    #expect(target.currentCapacityBytes == 2 << 20)
    #expect(target.geometry.capacityBytes == 1 << 20)
  }

  /// One writer or many readers.
  @Test func ownership() throws {
    guard let scratch else { return }
    let path = scratch.makeFile("disk", byteCount: 1 << 20)
    do {
      let writer = try BlockTarget(opening: request(path))
      expect(.inUse(path), request(path))
      expect(.inUse(path), request(path, isReadOnly: true))
      #expect(writer.descriptor >= 0)
    }
    do {
      let reader = try BlockTarget(opening: request(path, isReadOnly: true))
      let other = try BlockTarget(opening: request(path, isReadOnly: true))
      expect(.inUse(path), request(path))
      #expect(reader.descriptor != other.descriptor)
    }
    #expect(try BlockTarget(opening: request(path)).descriptor >= 0)
    #expect(BlockTargetError.inUse(path).mayPass)
    #expect(!BlockTargetError.missing(path).mayPass)
  }

  @Test func readOnly() throws {
    guard let scratch else { return }
    let path = scratch.makeFile("disk", byteCount: 1 << 20)
    let target = try BlockTarget(opening: request(path, isReadOnly: true))
    #expect(target.geometry.isReadOnly)
    #expect(target.geometry.discard == nil)
    let byte: [UInt8] = [1]
    #expect(unsafe pwrite(target.descriptor, byte, 1, 0) == -1)
  }

  @Test func discardsOnlyWhereAllowed() throws {
    guard let scratch else { return }
    var request = request(scratch.makeFile("disk", byteCount: 1 << 20))
    request.allowsDiscard = false
    #expect(try BlockTarget(opening: request).geometry.discard == nil)
  }

  /// The file is opened past the page cache, and its metadata are written with the data.
  @Test func openFlags() throws {
    guard let scratch else { return }
    let target = try BlockTarget(
      opening: request(scratch.makeFile("disk", byteCount: 1 << 20)))
    let flags = fcntl(target.descriptor, F_GETFL)
    #expect(flags & 0o40000 != 0, "O_DIRECT")
    #expect(flags & O_DSYNC != 0)
    #expect(fcntl(target.descriptor, F_GETFD) & FD_CLOEXEC != 0)
  }

  @Test func whatIsNoTarget() throws {
    guard let scratch else { return }
    let missing = "\(scratch.path)/missing"
    expect(.missing(missing), request(missing))
    expect(.missing("\(missing)/disk"), request("\(missing)/disk"))
    expect(.notAbsolute("disk"), request("disk"))
    expect(.notAbsolute(""), request(""))
    expect(.wrongKind(scratch.path), request(scratch.path))
    expect(.wrongKind("/dev/null"), request("/dev/null"))
    let empty = scratch.makeFile("empty", byteCount: 0)
    expect(.empty(empty), request(empty))
    let tiny = scratch.makeFile("tiny", byteCount: 511)
    expect(.empty(tiny), request(tiny))
  }

  /// A failed attempt leaves no lock behind.
  @Test func failuresLeaveNothingBehind() throws {
    guard let scratch else { return }
    let path = scratch.makeFile("disk", byteCount: 0)
    expect(.empty(path), request(path))
    #expect(unsafe truncate(path, 1 << 20) == 0)
    #expect(try BlockTarget(opening: request(path)).geometry.capacityBytes == 1 << 20)
  }

  @Test func everyErrorSaysWhatToDo() {
    let errors: [BlockTargetError] = [
      .notAbsolute(""), .notAbsolute("x"), .missing("/x"), .wrongKind("/x"), .inUse("/x"),
      .readOnly("/x"), .noDirectIO("/x"), .empty("/x"), .system("open", "/x", .ioError),
    ]
    #expect(Set(errors.map(\.description)).count == errors.count)
    for error in errors { #expect(error.description.contains("target")) }
  }

  private func request(_ path: String, isReadOnly: Bool = false) -> BlockTarget.Request {
    BlockTarget.Request(path: path, isReadOnly: isReadOnly, allowsDiscard: true)
  }

  private func expect(
    _ error: BlockTargetError, _ request: BlockTarget.Request,
    at location: SourceLocation = #_sourceLocation
  ) {
    #expect(throws: error, sourceLocation: location) {
      let target = try BlockTarget(opening: request)
      return target.descriptor
    }
  }
}
