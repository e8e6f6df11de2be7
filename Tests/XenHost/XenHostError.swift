/// What can go wrong on the test host. Each case carries the log that explains it.
public enum XenHostError: Error, CustomStringConvertible {
  /// A script of `images/test-host` failed.
  case buildFailed(script: String, output: String)
  /// QEMU ended, or the host did not come up in time.
  case hostDown(reason: String, serialLog: String)
  /// A command ended with another status than 0.
  case commandFailed(machine: String, command: String, result: CommandResult, log: String)
  /// No answer came within the limit. The command has been killed.
  case timedOut(machine: String, command: String, limit: Duration, log: String)
  /// The domain went away with commands outstanding.
  case domainGone(machine: String, log: String, hostLog: String)
  /// QEMU refused a monitor command.
  case monitorRefused(command: String, reply: String)
  /// More domains at once than the host has console ports.
  case noConsolePort

  /// The result of the command, if it was one that failed.
  public var result: CommandResult? {
    if case .commandFailed(_, _, let result, _) = self { result } else { nil }
  }

  /// The failure in full, with the end of the log.
  public var description: String {
    switch self {
    case .buildFailed(let script, let output):
      "\(script) failed:\n\(output)"
    case .hostDown(let reason, let serialLog):
      "\(reason); end of the serial log:\n\(serialLog.tail)"
    case .commandFailed(let machine, let command, let result, let log):
      """
      \(machine): `\(command)` ended with status \(result.status):
      \(result.output.tail)
      --- end of the log of \(machine):
      \(log.tail)
      """
    case .timedOut(let machine, let command, let limit, let log):
      "\(machine): `\(command)` did not end within \(limit); end of its log:\n\(log.tail)"
    case .domainGone(let machine, let log, let hostLog):
      """
      \(machine) went away; end of its console:
      \(log.tail(lineCount: 15))
      --- end of the log of Xen and Dom0:
      \(hostLog.tail)
      """
    case .monitorRefused(let command, let reply):
      "QEMU refused \(command): \(reply)"
    case .noConsolePort:
      "no console port is free"
    }
  }
}

extension String {
  /// The last lines, as many as one wants to see in a test report.
  var tail: String { tail(lineCount: 40) }

  /// The last lines. Those of a serial line end in CR LF, which is one character.
  func tail(lineCount: Int) -> String {
    split(omittingEmptySubsequences: false, whereSeparator: \.isNewline).suffix(lineCount)
      .joined(separator: "\n")
  }
}
