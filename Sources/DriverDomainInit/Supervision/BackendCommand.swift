import Logging
import RingTransport

/// A program to run, and its arguments with its own name first.
struct BackendCommand: Equatable {
  var program: String
  var arguments: [String]

  init(_ program: String, _ arguments: [String]) {
    self.program = program
    self.arguments = [program.split(separator: "/").last.map(String.init) ?? program] + arguments
  }

  /// Serves a disk.
  static func block(
    _ program: String, _ leaf: BackendLeaf, _ configuration: Configuration
  ) -> BackendCommand {
    var arguments = ["--path", leaf.description]
    if let bufferKiB = configuration.blockBufferKiB {
      arguments += ["--buffer-kib", String(bufferKiB)]
    }
    if let microseconds = configuration.blockPollMicroseconds {
      arguments += ["--poll-microseconds", String(microseconds)]
    }
    return BackendCommand(program, arguments + logLevel(configuration))
  }

  /// Serves an interface.
  static func network(
    _ program: String, _ leaf: BackendLeaf, _ service: InterfaceService,
    _ configuration: Configuration
  ) -> BackendCommand {
    var arguments = ["--path", leaf.description, "--uplink", service.uplink]
    if let filter = service.filter { arguments += ["--filter", filter] }
    if let reason = service.unusable { arguments += ["--unusable", reason] }
    if let count = configuration.queueCountMax { arguments += ["--queues", String(count)] }
    return BackendCommand(program, arguments + logLevel(configuration))
  }

  /// Writes an interface's frames into a file until SIGTERM.
  static func capture(_ program: String, _ order: CaptureOrder) -> BackendCommand {
    BackendCommand(
      program,
      [
        "capture", "--interface", order.interface, "--file", order.file, "--limit-mib",
        String(order.limitMiB),
      ])
  }

  /// What a process without a device waits for.
  enum WaitingMode: String {
    /// The order to serve one.
    case spare
    /// Requests to make spares.
    case template
  }

  /// Waits for what is said on ``BackendProcess/ordersDescriptor``.
  static func waiting(
    _ program: String, as mode: WaitingMode, _ configuration: Configuration
  ) -> BackendCommand {
    let descriptor = String(BackendProcess.ordersDescriptor)
    return BackendCommand(
      program,
      ["--\(mode.rawValue)", "--orders-descriptor", descriptor] + logLevel(configuration))
  }

  /// The arguments after those that name the program and the leaf.
  var furtherArguments: ArraySlice<String> { arguments.dropFirst(3) }

  /// The same with the leaf's status page on ``BackendProcess/statusDescriptor``, and the queues of
  /// its TAP device from ``BackendProcess/queueDescriptor`` on.
  func passingStatus(andQueues queueCount: Int) -> BackendCommand {
    var command = self
    command.arguments += ["--status-descriptor", String(BackendProcess.statusDescriptor)]
    for index in 0..<Int32(queueCount) {
      command.arguments += ["--queue-descriptor", String(BackendProcess.queueDescriptor + index)]
    }
    return command
  }

  private static func logLevel(_ configuration: Configuration) -> [String] {
    ["--log-level", configuration.logLevel.rawValue]
  }
}
