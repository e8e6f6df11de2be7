import CLinux
import Foundation
import Testing

/// A `SandboxProbe`, and what the kernel says about it from outside.
struct ProbeProcess {
  /// How one ended.
  enum End: Equatable {
    case exit(Int32)
    case signal(Int32)
  }

  enum Policy: String {
    case block
    case network
  }

  private static let program: String = {
    let source = #filePath.split(separator: "/").dropLast(4).joined(separator: "/")
    return "/\(source)/.build/debug/SandboxProbe"
  }()

  let process = Process()
  private let input = Pipe()
  private let output = Pipe()

  /// Starts one.
  init(_ policy: Policy, omitting step: String = "none", _ action: String) throws {
    process.executableURL = URL(fileURLWithPath: Self.program)
    process.arguments = [policy.rawValue, step, action]
    process.standardInput = input
    process.standardOutput = output
    try process.run()
  }

  /// Runs one to its end.
  static func run(
    _ policy: Policy, omitting step: String = "none", _ action: String
  ) throws -> End {
    let probe = try ProbeProcess(policy, omitting: step, action)
    return probe.end()
  }

  /// Waits until it is in its sandbox.
  func untilReady() throws {
    #expect(output.fileHandleForReading.readData(ofLength: 1) == Data([UInt8(ascii: "r")]))
  }

  /// Lets it end, and says how it did.
  func end() -> End {
    try? input.fileHandleForWriting.close()
    process.waitUntilExit()
    return process.terminationReason == .exit
      ? .exit(process.terminationStatus) : .signal(process.terminationStatus)
  }

  /// A line of `/proc/PID/status`, without its name.
  func status(_ name: String) -> String {
    let lines = text("status").split(separator: "\n")
    let line = lines.first { $0.hasPrefix(name + ":") } ?? ""
    return line.dropFirst(name.count + 1).split(separator: "\t").joined(separator: " ")
  }

  /// A file of `/proc/PID`.
  func text(_ name: String) -> String {
    (try? String(contentsOfFile: "/proc/\(process.processIdentifier)/\(name)", encoding: .utf8))
      ?? ""
  }

  /// Where a link of `/proc/PID` leads to.
  func link(_ name: String) -> String {
    (try? FileManager.default.destinationOfSymbolicLink(
      atPath: "/proc/\(process.processIdentifier)/\(name)")) ?? ""
  }

  /// The soft and the hard limit of a line of `/proc/PID/limits`.
  func limit(_ name: String) -> [Substring] {
    let line = text("limits").split(separator: "\n").first { $0.hasPrefix(name) } ?? ""
    return Array(line.dropFirst(name.count).split(separator: " ").prefix(2))
  }
}
