import Glibc
import Testing

/// A directory for files that live as long as a test, on a file system with direct I/O.
final class ScratchDirectory {
  let path: String
  private var files: [String] = []

  /// Makes a directory; nil with a printed reason where no file system here has direct I/O.
  init?() {
    // The temporary directory is often a tmpfs, whose direct I/O is young.
    for parent in ["/var/tmp", "/tmp"] {
      var template = Array("\(parent)/block-backend-tests.XXXXXX".utf8CString)
      // SAFETY: a C string of ours, which the call fills in.
      guard unsafe mkdtemp(&template) != nil else { continue }
      let directory = String(
        decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
      if Self.hasDirectIO(directory) {
        path = directory
        return
      }
      unsafe _ = rmdir(directory)
    }
    print("skipped: no file system with direct I/O here")
    return nil
  }

  deinit {
    for file in files { unsafe _ = unlink(file) }
    unsafe _ = rmdir(path)
  }

  /// Makes a file of zeroes that takes no room, and gives its path.
  func makeFile(_ name: String, byteCount: Int) -> String {
    let file = "\(path)/\(name)"
    let descriptor = unsafe open(file, O_CREAT | O_WRONLY | O_CLOEXEC, 0o600)
    #expect(descriptor >= 0)
    #expect(ftruncate(descriptor, byteCount) == 0)
    Glibc.close(descriptor)
    files.append(file)
    return file
  }

  private static func hasDirectIO(_ directory: String) -> Bool {
    let probe = "\(directory)/probe"
    let direct: Int32 = 0o40000
    let descriptor = unsafe open(probe, O_CREAT | O_RDWR | direct | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else { return false }
    Glibc.close(descriptor)
    unsafe _ = unlink(probe)
    return true
  }
}
