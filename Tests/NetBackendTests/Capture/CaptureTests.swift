import Foundation
import RingTransport
import Testing

@testable import NetBackend

struct CaptureTests {
  @Test func arguments() {
    var wanted = CaptureOptions()
    wanted.interface = "vif2.0"
    wanted.file = "/captures/x.pcap"
    wanted.filter = "not port 22"
    wanted.limitMebibytes = 7
    #expect(
      CaptureOptions.read([
        "--interface", "vif2.0", "--file", "/captures/x.pcap", "--filter", "not port 22",
        "--limit-mib", "7",
      ]) == .capture(wanted))
    #expect(CaptureOptions.read(["--help"]) == .help)
    for arguments in [
      [], ["--interface", "x"], ["--file", "x"], ["--interface"], ["--limit-mib", "0"], ["x"],
    ] {
      guard case .wrong = CaptureOptions.read(arguments) else {
        Issue.record("taken: \(arguments)")
        return
      }
    }
  }

  /// Frames of a real link end in a file that stays below its limit.
  @Test func aFullFileEndsTheCapture() throws {
    let directory = FileManager.default.temporaryDirectory
      .appendingPathComponent("capture-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: directory) }
    let file = directory.appendingPathComponent("x.pcap").path
    try LinkFixture.run { link in
      var options = CaptureOptions()
      options.interface = LinkFixture.name
      options.file = file
      options.filter = "ether src 02:00:00:00:00:09"
      options.limitMebibytes = 1
      var session = try CaptureSession(options)
      var frame = [UInt8](repeating: 0x5a, count: 1400)
      frame.replaceSubrange(0..<14, with: [2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 9, 8, 0])
      var foreign = frame
      foreign[11] = 8
      for _ in 0..<1000 where !session.isFull {
        try link.put(foreign)
        try link.put(frame)
        try session.drain()
      }
      let result = session.result
      // A header of 16 bytes each, and one of 24 for the file.
      #expect(session.isFull && result.frameCount == ((1 << 20) - 24) / 1416)
      #expect(result.byteCount <= 1 << 20)
    }
    guard FileManager.default.fileExists(atPath: file) else { return }
    let bytes = try Data(contentsOf: URL(fileURLWithPath: file))
    #expect(bytes.count <= 1 << 20)
    #expect(Array(bytes.prefix(4)) == [0xd4, 0xc3, 0xb2, 0xa1])
  }
}
