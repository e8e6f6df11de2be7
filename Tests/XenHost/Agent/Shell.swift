/// A machine that runs shell commands for the tests: Dom0, or a guest.
public struct Shell: Sendable {
  /// What error messages call the machine.
  public let name: String
  let agent: AgentConnection
  let log: @Sendable () -> String

  /// The limit for a command that names no other. It only bounds a hang: the machine may be slow.
  public static let defaultTimeout: Duration = .seconds(120)

  /// Runs a command and returns how it ended, whatever its status. Several may run at once.
  public func run(_ command: String, timeout: Duration = defaultTimeout) async throws
    -> CommandResult
  {
    try await agent.run(command, timeout: timeout)
  }

  /// Runs a command that must succeed and returns its output.
  @discardableResult
  public func check(_ command: String, timeout: Duration = defaultTimeout) async throws -> String {
    let result = try await run(command, timeout: timeout)
    guard result.succeeded else {
      throw XenHostError.commandFailed(
        machine: name, command: command, result: result, log: log())
    }
    return result.output
  }

  /// Writes a file, and the directories above it. Quick for what fits a configuration; images go
  /// into Dom0 with `HostConfiguration.files`.
  public func writeFile(_ path: String, _ content: [UInt8], mode: Int = 0o644) async throws {
    let result = try await agent.put(
      content, path: path, mode: mode, timeout: Self.defaultTimeout)
    guard result.succeeded else {
      throw XenHostError.commandFailed(
        machine: name, command: "write \(path)", result: result, log: log())
    }
  }

  /// Writes a text file.
  public func writeFile(_ path: String, _ text: String, mode: Int = 0o644) async throws {
    try await writeFile(path, Array(text.utf8), mode: mode)
  }
}
