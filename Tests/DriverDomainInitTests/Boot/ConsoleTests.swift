import Glibc
import RingTransport
import SystemPackage
import Testing

@testable import DriverDomainInit

/// A pipe stands for the console: it can be full, as the console is when Dom0 takes nothing.
@Suite struct ConsoleTests {
  @Test("what is written comes to the console, also by others who open the path")
  func relays() throws {
    let pipe = try FileDescriptor.pipe()
    let console = Console.open("/proc/self/fd/\(pipe.writeEnd.rawValue)")
    try pipe.writeEnd.close()
    try console.log.writeAll("ours\n".utf8)
    let other = try FileDescriptor.open(FilePath(console.path), .writeOnly)
    try other.writeAll("theirs\n".utf8)
    try other.close()
    console.drain()
    var text = ""
    var bytes = [UInt8](repeating: 0, count: 64)
    while text.utf8.count < 12 {
      // SAFETY: the call writes into the array and no more.
      let count = try unsafe bytes.withUnsafeMutableBytes {
        try unsafe pipe.readEnd.read(into: $0)
      }
      text += String(decoding: bytes.prefix(count), as: UTF8.self)
    }
    #expect(text == "ours\ntheirs\n")
    try pipe.readEnd.close()
  }

  @Test("a console that stands still costs lines, and stops nobody", .timeLimit(.minutes(1)))
  func standsStill() throws {
    let pipe = try FileDescriptor.pipe()
    let console = Console.open("/proc/self/fd/\(pipe.writeEnd.rawValue)")
    // More than both pipes hold.
    var refusal: Errno?
    let line = [UInt8](repeating: UInt8(ascii: "x"), count: 1024)
    for _ in 0..<256 where refusal == nil {
      do { _ = try console.log.writeAll(line) } catch { refusal = error as? Errno }
    }
    #expect(refusal == .resourceTemporarilyUnavailable)
    // Ends all the same.
    console.drain()
    try pipe.readEnd.close()
    try pipe.writeEnd.close()
  }

  @Test("without a console the log goes to standard error")
  func absent() {
    #expect(Console.open("/nonexistent/console").log == .standardError)
  }
}
