import Glibc
import Logging
import SystemPackage
import Testing

@testable import RingTransport

@Suite struct ConsoleLogTests {
  @Test func lineHasLevelMessageAndSortedValues() {
    let line = ConsoleLog.line(
      prefix: "driver-domain-init[1]", level: .warning, message: "gone",
      values: ["b": "two words", "a": "1", "c": ""])
    #expect(line == #"driver-domain-init[1]: warning: gone a=1 b="two words" c="""#)
  }

  @Test func valueCannotForgeALine() {
    let line = ConsoleLog.line(
      prefix: "p", level: .info, message: "m\n", values: ["k": "v\ninit: error: \u{1B}[2J"])
    #expect(!line.contains("\n"))
    #expect(!line.contains("\u{1B}"))
    #expect(line.contains(#"m\x0a"#))
  }

  @Test func fullPipeLosesTheLineInsteadOfBlocking() throws {
    let pipe = try FileDescriptor.pipe()
    defer {
      try? pipe.readEnd.close()
      try? pipe.writeEnd.close()
    }
    let options = FileDescriptor.OpenOptions(rawValue: O_NONBLOCK)
    let console = try FileDescriptor.open(
      FilePath("/proc/self/fd/\(pipe.writeEnd.rawValue)"), .writeOnly, options: options)
    let log = Logger(label: "test") { _ in
      ConsoleLog(console: console, program: "test", level: .info)
    }
    for _ in 0..<1000 { log.info("\(String(repeating: "x", count: 2000))") }
    try console.close()
    var buffer = [UInt8](repeating: 0, count: 4096)
    // SAFETY: the call writes at most the buffer's size into it.
    let count = try unsafe buffer.withUnsafeMutableBytes {
      try unsafe pipe.readEnd.read(into: $0)
    }
    let firstLine = buffer[..<count].split(separator: UInt8(ascii: "\n"))[0]
    #expect(firstLine.count == ConsoleLog.lineByteCountMax - 1)
  }
}
