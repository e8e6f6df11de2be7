import Glibc
import SystemPackage
import Testing

@testable import DriverDomainInit

@Suite struct ConsoleTests {
  @Test func consoleDoesNotBlock() throws {
    let pipe = try FileDescriptor.pipe()
    defer {
      try? pipe.readEnd.close()
      try? pipe.writeEnd.close()
    }
    let console = Console.open("/proc/self/fd/\(pipe.writeEnd.rawValue)")
    try #require(console != .standardError)
    defer { try? console.close() }
    let chunk = [UInt8](repeating: 0, count: 4096)
    // A pipe holds 64 KiB: the last of these does not fit, and must not wait.
    #expect(throws: Errno.resourceTemporarilyUnavailable) {
      for _ in 0...64 { _ = try console.writeAll(chunk) }
    }
  }

  @Test func standardErrorStandsIn() {
    #expect(Console.open("/nonexistent/console") == .standardError)
  }
}
