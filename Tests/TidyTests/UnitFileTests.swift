import Foundation
import Testing

/// The service for systemd, as systemd itself reads it.
struct UnitFileTests {
  private static let tool = URL(filePath: "/usr/bin/systemd-analyze")

  /// On a machine without any of Xen's units, of which each distribution has others.
  @Test func systemdTakesTheService() throws {
    guard FileManager.default.isExecutableFile(atPath: Self.tool.path) else {
      print("skipped: no systemd-analyze here")
      return
    }
    let directory = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)
    try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: directory) }
    let template = SourceFile.repository.appending(path: "images/control/driver-domain@.service")
    let text = try String(contentsOf: template, encoding: .utf8)
    let program = "ExecStart=/usr/local/sbin/ddctl run "
    #expect(text.contains(program))
    // systemd looks for the program, which is not installed here.
    let unit = directory.appending(path: "driver-domain@disk.service")
    try text.replacing(program, with: "ExecStart=/bin/true run ")
      .write(to: unit, atomically: true, encoding: .utf8)

    let process = Process()
    let pipe = Pipe()
    process.executableURL = Self.tool
    process.arguments = ["verify", unit.path]
    process.environment = ["SYSTEMD_UNIT_PATH": "\(directory.path):"]
    process.standardError = pipe
    process.standardOutput = pipe
    try process.run()
    let output = pipe.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    #expect(process.terminationStatus == 0)
    #expect(String(decoding: output, as: UTF8.self) == "")
  }
}
