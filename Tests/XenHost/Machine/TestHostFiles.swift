import Foundation

/// Where the test host's scripts and results are, and the directory of one boot.
struct TestHostFiles: Sendable {
  /// `images/test-host`.
  static let scripts = root + "/images/test-host"
  /// `images/out/test-host/logs`.
  static let logs = root + "/images/out/test-host/logs"

  /// The initramfs of guests.
  static let guestInitramfs = root + "/images/out/test-host/guest.cpio"

  /// The directory of the package.
  static let root = String(
    #filePath.split(separator: "/").dropLast(4).reduce(into: "") { $0 += "/\($1)" })
  private static let logsKept = 8

  /// Sockets, disks and initramfs of this boot. Short, as a socket's path may have 107 bytes.
  let directory: String
  /// The consoles of this boot, for a look afterwards.
  let logDirectory: String

  /// Makes the directories, and forgets the logs of old boots.
  init() throws {
    let files = FileManager.default
    let name = "xen-host-\(ProcessInfo.processInfo.processIdentifier)"
    directory = files.temporaryDirectory.appending(path: name).path
    try? files.removeItem(atPath: directory)
    try files.createDirectory(atPath: directory, withIntermediateDirectories: true)

    let seconds = Int(Date().timeIntervalSince1970)
    logDirectory = "\(Self.logs)/\(seconds)-\(ProcessInfo.processInfo.processIdentifier)"
    try files.createDirectory(atPath: logDirectory, withIntermediateDirectories: true)
    let boots = try files.contentsOfDirectory(atPath: Self.logs).sorted()
    for old in boots.dropLast(Self.logsKept) {
      try? files.removeItem(atPath: "\(Self.logs)/\(old)")
    }
  }

  /// Puts local files into the tree that the boot adds to Dom0's initramfs.
  func stage(_ files: [String: String]) throws {
    for (target, source) in files {
      let link = "\(directory)/files/\(target)"
      try FileManager.default.createDirectory(
        at: URL(filePath: link).deletingLastPathComponent(), withIntermediateDirectories: true)
      let path = URL(filePath: source).standardizedFileURL.path
      try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: path)
    }
  }

  /// Removes what only the running machine needed.
  func removeDirectory() { try? FileManager.default.removeItem(atPath: directory) }

  /// Builds the images unless they are up to date.
  static func build() async throws {
    let process = Process()
    let pipe = Pipe()
    process.executableURL = URL(filePath: "\(scripts)/build.sh")
    process.standardOutput = pipe
    process.standardError = pipe
    let status = try await withCheckedThrowingContinuation { continuation in
      process.terminationHandler = { continuation.resume(returning: $0.terminationStatus) }
      do { try process.run() } catch { continuation.resume(throwing: error) }
    }
    if status != 0 {
      let output = pipe.fileHandleForReading.readDataToEndOfFile()
      throw XenHostError.buildFailed(
        script: "build.sh", output: String(decoding: output, as: UTF8.self))
    }
  }
}
