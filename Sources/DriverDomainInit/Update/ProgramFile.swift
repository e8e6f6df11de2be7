import CLinux
import Glibc
import RingTransport
import SystemPackage

/// The files of a program that is updated in place: beside the program the copy that is to take its
/// name, and the old one until the new one has proved itself.
struct ProgramFile {
  var path: String

  var new: String { path + ".new" }
  var old: String { path + ".old" }

  /// A static program of this suite has a tenth of it; memory is what the image lives in.
  static let byteCountMax = 64 << 20

  private static let magic: [UInt8] = [0x7F] + Array("ELF".utf8)
  private static let chunkByteCount = 256 << 10

  /// Copies a program from elsewhere to ``new``. A slow disk makes it slow, so a process of its own
  /// does it.
  ///
  /// - Throws: `execFormatError` for what is no ELF file, `fileTooLarge`, `invalidArgument` for
  ///   what is no regular file; what the system says otherwise.
  func copyNew(from source: String) throws(Errno) {
    // A link or a pipe is not what Dom0 means; neither may hold this up.
    let input = try OwnedFileDescriptor.open(
      FilePath(source), .readOnly, options: [.noFollow, .nonBlocking])
    try check(input)
    Self.removeIfThere(new)
    let output = try create()
    var offset = 0
    while true {
      let bytes = try Files.bytes(of: input, at: offset, count: Self.chunkByteCount)
      try Self.write(bytes, to: output)
      offset += bytes.count
      if bytes.count < Self.chunkByteCount { break }
      // It may grow while it is read.
      if offset > Self.byteCountMax { throw .fileTooLarge }
    }
  }

  private func create() throws(Errno) -> OwnedFileDescriptor {
    let permissions = FilePermissions(rawValue: 0o755)
    do {
      let file = try FileDescriptor.open(
        FilePath(new), .writeOnly, options: [.create, .exclusiveCreate, .closeOnExec],
        permissions: permissions)
      return OwnedFileDescriptor(adopting: file)
    } catch let error as Errno {
      throw error
    } catch {
      // swift-system throws nothing but Errno; its signature just does not say so.
      throw .ioError
    }
  }

  private func check(_ input: borrowing OwnedFileDescriptor) throws(Errno) {
    var status = stat()
    // SAFETY: the call writes the structure.
    try systemCall { unsafe fstat(input.rawValue, &status) }
    guard c_is_regular_file(status.st_mode) != 0 else { throw .invalidArgument }
    guard status.st_size <= Self.byteCountMax else { throw .fileTooLarge }
    let start = try Files.bytes(of: input, at: 0, count: Self.magic.count)
    guard start == Self.magic else { throw .execFormatError }
  }

  private static func write(
    _ bytes: [UInt8], to output: borrowing OwnedFileDescriptor
  ) throws(Errno) {
    var written = 0
    while written < bytes.count {
      written += try systemCall {
        // SAFETY: the call reads what is left of the array, and no more.
        unsafe bytes.withUnsafeBytes {
          unsafe Glibc.write(
            output.rawValue, $0.baseAddress.map { unsafe $0 + written }, bytes.count - written)
        }
      }
    }
  }

  /// Gives the copy the program's name, and keeps the old program. At every moment there is one.
  func activate() throws(Errno) {
    Self.removeIfThere(old)
    // SAFETY: the strings live for the length of each call and end in NUL.
    try systemCall { unsafe link(path, old) }
    try systemCall { unsafe rename(new, path) }
  }

  /// Gives the old program its name back.
  func revert() throws(Errno) {
    // SAFETY: the strings live for the length of the call and end in NUL.
    try systemCall { unsafe rename(old, path) }
  }

  /// Removes what an update leaves.
  func clean() {
    Self.removeIfThere(new)
    Self.removeIfThere(old)
  }

  private static func removeIfThere(_ file: String) {
    // What cannot be removed fails the next step, with its reason.
    try? Files.remove(file)
  }
}
