import Foundation
import Synchronization

/// QEMU, started by `boot.sh` under `supervise.sh`, which kills it when this process ends in any
/// way: it waits for the end of a pipe whose other end only this process holds.
final class QEMUProcess: Sendable {
  /// Everything the machine wrote to its serial port, and QEMU to its standard error.
  let serialLogPath: String
  private let process: Mutex<Process>
  private let lifeline = Pipe()

  /// Starts the machine. `ended` is called once, when it has stopped.
  init(
    scripts: String, directory: String, options: [String], dom0Words: String,
    serialLogPath: String, ended: @escaping @Sendable () -> Void
  ) throws {
    self.serialLogPath = serialLogPath
    _ = FileManager.default.createFile(atPath: serialLogPath, contents: nil)
    let process = Process()
    process.executableURL = URL(filePath: "\(scripts)/supervise.sh")
    process.arguments = ["\(scripts)/boot.sh", directory] + options
    process.environment = ProcessInfo.processInfo.environment.merging(
      ["TEST_HOST_DOM0": dom0Words]) { $1 }
    process.standardInput = lifeline
    let log = FileHandle(forWritingAtPath: serialLogPath)
    process.standardOutput = log
    process.standardError = log
    process.terminationHandler = { _ in ended() }
    try process.run()
    self.process = Mutex(process)
  }

  /// The serial log up to now: hypervisor, then Dom0's kernel.
  var serialLog: String {
    guard let data = FileManager.default.contents(atPath: serialLogPath) else { return "" }
    return String(decoding: data, as: UTF8.self).replacing("\r", with: "")
  }

  /// Ends QEMU at once.
  func kill() { try? lifeline.fileHandleForWriting.close() }
}
