import Foundation

/// What the ring journal costs a request, on this machine and without Xen: some figures of
/// `make bench-micro`, which a program of its own takes, as this one is built for debugging.
enum JournalCost {
  private static let program = ".build/image/release/MicroBench"

  /// The program's last line, a JSON object.
  static func measure() throws -> String {
    let process = Process()
    process.executableURL = URL(filePath: program)
    process.arguments = ["ring"]
    let pipe = Pipe()
    process.standardOutput = pipe
    do {
      try process.run()
    } catch {
      throw Failure.missing
    }
    let text = String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    guard process.terminationStatus == 0, let line = text.split(separator: "\n").last else {
      throw Failure.ended(process.terminationStatus)
    }
    return String(line)
  }

  private enum Failure: Error, CustomStringConvertible {
    case missing
    case ended(Int32)

    var description: String {
      switch self {
      case .missing:
        "\(program) cannot be run; build it with: scripts/build-micro-bench.sh"
      case .ended(let status): "\(program) ended with status \(status)"
      }
    }
  }
}
