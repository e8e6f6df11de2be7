import CLinux
import Glibc
import RingTransport
import SystemPackage

/// Small helpers for the files that the kernel makes up: short, read whole, one value each.
enum Files {
  /// Reads at most `limit` bytes from a file's start.
  static func bytes(of path: String, limit: Int = 4096) throws(Errno) -> [UInt8] {
    try bytes(of: OwnedFileDescriptor.open(FilePath(path), .readOnly), at: 0, count: limit)
  }

  /// Reads up to `count` bytes at an offset; fewer only at the end of the file.
  static func bytes(
    of file: borrowing OwnedFileDescriptor, at offset: Int, count: Int
  ) throws(Errno) -> [UInt8] {
    precondition(count >= 0 && offset >= 0)
    var buffer = [UInt8](repeating: 0, count: count)
    var filled = 0
    while filled < count {
      let received = try systemCall {
        // SAFETY: the pointer is used inside the closure only, and the count is what is left.
        unsafe buffer.withUnsafeMutableBytes { bytes in
          unsafe pread(
            file.rawValue, bytes.baseAddress.map { unsafe $0 + filled }, count - filled,
            offset + filled)
        }
      }
      if received == 0 { break }
      filled += received
    }
    buffer.removeLast(count - filled)
    return buffer
  }

  /// The text of a short file without white space at its ends; nil when it cannot be read.
  static func text(of path: String, limit: Int = 4096) -> String? {
    guard let bytes = try? bytes(of: path, limit: limit) else { return nil }
    return Text.trimmed(String(decoding: bytes, as: UTF8.self))
  }

  /// Writes a short text in one call, as files in /proc and /sys want it.
  static func write(_ text: String, to path: String) throws(Errno) {
    let file = try OwnedFileDescriptor.open(FilePath(path), .writeOnly)
    let bytes = Array(text.utf8)
    try systemCall {
      // SAFETY: the call reads the array's bytes and no more.
      unsafe bytes.withUnsafeBytes {
        unsafe Glibc.write(file.rawValue, $0.baseAddress, $0.count)
      }
    }
  }

  /// Whether a path exists, links followed.
  static func exists(_ path: String) -> Bool {
    // SAFETY: the string lives for the length of the call and ends in NUL.
    unsafe access(path, F_OK) == 0
  }

  /// The size of a file; nil when there is none.
  static func byteCount(of path: String) -> UInt64? {
    var status = stat()
    // SAFETY: the call writes the structure, and reads the string, which ends in NUL.
    guard unsafe stat(path, &status) == 0 else { return nil }
    return UInt64(exactly: status.st_size)
  }

  /// Makes a directory and those above it; existing ones are fine.
  static func makeDirectories(_ path: String) throws(Errno) {
    var made = ""
    for component in path.split(separator: "/") {
      made += "/" + component
      // SAFETY: the string lives for the length of the call and ends in NUL.
      if unsafe mkdir(made, 0o755) != 0, errno != EEXIST { throw Errno(rawValue: errno) }
    }
  }

  /// The names in a directory, sorted, without `.` and `..`; empty when it cannot be read.
  static func names(in directory: String) -> [String] {
    // SAFETY: the stream is ours alone and closed below.
    guard let stream = unsafe opendir(directory) else { return [] }
    // SAFETY: closed once, after the last read.
    defer { unsafe closedir(stream) }
    var names: [String] = []
    // SAFETY: the entry is valid until the next call on this stream, and copied before it.
    while let entry = unsafe readdir(stream) {
      // SAFETY: d_name holds a NUL-terminated name (readdir(3)).
      let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) { field in
        unsafe field.withMemoryRebound(to: CChar.self, capacity: 256) {
          unsafe String(cString: $0)
        }
      }
      if name != "." && name != ".." { names.append(name) }
    }
    return names.sorted()
  }

  /// What a symbolic link points at; nil when it is none.
  static func linkTarget(_ path: String) -> String? {
    var buffer = [UInt8](repeating: 0, count: Int(PATH_MAX))
    // SAFETY: the call writes at most the given count into the buffer.
    let count = unsafe buffer.withUnsafeMutableBytes { bytes in
      guard let start = bytes.baseAddress else { return -1 }
      return unsafe readlink(path, start, bytes.count)
    }
    return count < 0 ? nil : String(decoding: buffer[..<count], as: UTF8.self)
  }

  /// Makes a symbolic link, in place of one of that name, at no moment without any.
  static func link(_ path: String, to target: String) throws(Errno) {
    let temporary = path + ".new"
    // SAFETY: the strings live for the length of each call and end in NUL.
    try systemCall {
      _ = unsafe unlink(temporary)
      return unsafe symlink(target, temporary)
    }
    // SAFETY: as above.
    try systemCall { unsafe rename(temporary, path) }
  }

  /// Removes a file or a link.
  static func remove(_ path: String) throws(Errno) {
    // SAFETY: the string lives for the length of the call and ends in NUL.
    try systemCall { unsafe unlink(path) }
  }
}
