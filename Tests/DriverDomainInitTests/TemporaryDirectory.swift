import Glibc
import SystemPackage

@testable import DriverDomainInit

/// A directory of its own for one test, removed at its end.
struct TemporaryDirectory: ~Copyable {
  let path: String

  init() throws {
    var name = Array("/tmp/driver-domain-init-XXXXXX".utf8CString)
    // SAFETY: the template is ours, ends in NUL, and is changed in place.
    let made = unsafe name.withUnsafeMutableBufferPointer { buffer in
      unsafe buffer.baseAddress.map { unsafe mkdtemp($0) != nil } ?? false
    }
    guard made else { throw Errno(rawValue: errno) }
    path = String(decoding: name.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  deinit {
    Self.remove(path)
  }

  /// Writes a file, and makes the directories above it.
  func write(_ bytes: [UInt8], to name: String) throws {
    let file = "\(path)/\(name)"
    try Files.makeDirectories(String(file[..<(file.lastIndex(of: "/") ?? file.endIndex)]))
    let descriptor = try FileDescriptor.open(
      FilePath(file), .writeOnly, options: [.create, .truncate], permissions: .ownerReadWrite)
    try descriptor.closeAfter { _ = try descriptor.writeAll(bytes) }
  }

  func write(_ text: String, to name: String) throws {
    try write(Array(text.utf8), to: name)
  }

  private static func remove(_ path: String) {
    if Files.linkTarget(path) == nil {
      for name in Files.names(in: path) { remove("\(path)/\(name)") }
    }
    // SAFETY: the string lives for the length of each call and ends in NUL.
    if unsafe unlink(path) != 0 { _ = unsafe rmdir(path) }
  }
}
