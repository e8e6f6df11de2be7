import Foundation
import Testing

/// The tree: where files may be, and that the formatter agrees with them.
struct LayoutTests {
  /// `Tests/<Target>Tests/<Folder>/<Name>Tests.swift` belongs to `Sources/<Target>/<Folder>`.
  @Test func testsMirrorTheSources() throws {
    let folders = Set(
      SourceFile.all.filter(\.isSource).map { ($0.path as NSString).deletingLastPathComponent })
    for file in SourceFile.all where file.path.hasSuffix("Tests.swift") {
      var parts = file.path.split(separator: "/").map { String($0) }
      guard parts.count >= 3, parts[1].hasSuffix("Tests"), parts[1] != "TidyTests" else { continue }
      parts[0] = "Sources"
      parts[1] = String(parts[1].dropLast("Tests".count))
      let target = "Sources/\(parts[1])/"
      guard folders.contains(where: { $0.hasPrefix(target) }) else { continue }
      let mirrored = parts.dropLast().joined(separator: "/")
      #expect(folders.contains(mirrored), "\(file.path): there is no \(mirrored)")
    }
  }

  /// Files are where their names sort them; no name occurs twice in a target.
  @Test func namesAreUnique() {
    var seen: Set<String> = []
    for file in SourceFile.all {
      let parts = file.path.split(separator: "/")
      guard parts.count > 2, let name = parts.last else { continue }
      #expect(seen.insert("\(parts[1])/\(name)").inserted, "\(file.path): a name used twice")
    }
  }

  @Test func theFormatterAgrees() throws {
    guard let tool = formatter else {
      print("skipped: no swift-format here")
      return
    }
    let process = Process()
    process.executableURL = tool
    process.currentDirectoryURL = SourceFile.repository
    process.arguments = ["lint", "--strict", "-r", "Sources", "Tests", "Package.swift"]
    let output = Pipe()
    process.standardError = output
    process.standardOutput = output
    try process.run()
    let text = String(
      decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    #expect(process.terminationStatus == 0, "\(text)")
  }

  private var formatter: URL? {
    let path = ProcessInfo.processInfo.environment["PATH"] ?? ""
    let folders = path.split(separator: ":").map { String($0) } + ["/opt/swift/usr/bin"]
    return folders.map { URL(fileURLWithPath: $0).appendingPathComponent("swift-format") }
      .first { FileManager.default.isExecutableFile(atPath: $0.path) }
  }
}
