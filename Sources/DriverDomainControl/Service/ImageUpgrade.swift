import Glibc
import RingTransport
import SystemPackage

/// Replaces the kernel and the ramdisk of a driver domain, and can go back.
///
/// Beside each file there are `FILE.new` and `FILE.old`. Every step can be repeated, and files
/// change by `rename(2)` only, so whoever reads one meanwhile has a whole one.
struct ImageUpgrade: Equatable {
  /// The paths that the configuration names.
  let files: [String]

  private static let bufferByteCount = 1 << 20

  /// Copies the new files beside the old ones, and keeps the old ones under another name.
  ///
  /// - Parameter directory: where files of the same names are.
  func prepare(from directory: String) throws(KeeperError) {
    if files.isEmpty { throw .image("the configuration names no kernel and no ramdisk") }
    for file in files {
      let name = file.split(separator: "/").last.map(String.init) ?? file
      let source = "\(directory)/\(name)"
      try Self.doing("copying \(source) to \(file).new") { () throws(Errno) in
        try copy(source, to: "\(file).new")
      }
    }
    for file in files {
      try Self.doing("keeping \(file) as \(file).old") { () throws(Errno) in
        try remove("\(file).old")
        // SAFETY: the call copies both paths.
        try systemCall { unsafe link(file, "\(file).old") }
      }
    }
  }

  /// Puts the new files in the old ones' places. Those that are in their places stay.
  func install() throws(KeeperError) {
    for file in files { try move("\(file).new", to: file) }
  }

  /// Puts the old files in their places again.
  func rollBack() throws(KeeperError) {
    for file in files { try move("\(file).old", to: file) }
  }

  private func move(_ source: String, to file: String) throws(KeeperError) {
    try Self.doing("renaming \(source) to \(file)") { () throws(Errno) in
      do throws(Errno) {
        // SAFETY: the call copies both paths.
        try systemCall { unsafe rename(source, file) }
      } catch {
        if error != .noSuchFileOrDirectory { throw error }
      }
    }
  }

  private func remove(_ path: String) throws(Errno) {
    do throws(Errno) {
      // SAFETY: the call copies the path.
      try systemCall { unsafe unlink(path) }
    } catch {
      if error != .noSuchFileOrDirectory { throw error }
    }
  }

  private func copy(_ source: String, to target: String) throws(Errno) {
    try remove(target)
    let from = try OwnedFileDescriptor.open(FilePath(source), .readOnly)
    // SAFETY: the call copies the path.
    let number = try systemCall { unsafe creat(target, 0o644) }
    let to = OwnedFileDescriptor(adopting: FileDescriptor(rawValue: number))
    var buffer = [UInt8](repeating: 0, count: Self.bufferByteCount)
    while true {
      // SAFETY: the call writes inside the buffer only.
      let count = try systemCall {
        unsafe buffer.withUnsafeMutableBytes {
          unsafe read(from.rawValue, $0.baseAddress, $0.count)
        }
      }
      if count == 0 { break }
      var written = 0
      while written < count {
        // SAFETY: the call reads the bytes that were just read, and no more.
        written += try systemCall {
          unsafe buffer[written..<count].withUnsafeBytes {
            unsafe write(to.rawValue, $0.baseAddress, $0.count)
          }
        }
      }
    }
    // A name must not lead to a file that a crash of Dom0 would leave empty.
    try systemCall { fsync(to.rawValue) }
  }

  private static func doing(
    _ what: String, _ body: () throws(Errno) -> Void
  ) throws(KeeperError) {
    do throws(Errno) {
      try body()
    } catch {
      throw .image("\(what): \(error)")
    }
  }
}
