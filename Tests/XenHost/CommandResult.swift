/// How a shell command on Dom0 or in a guest ended.
public struct CommandResult: Sendable, Equatable {
  /// The exit status; 128 plus the signal's number for a command that a signal ended.
  public let status: Int
  /// Standard output and standard error together, byte by byte.
  public let bytes: [UInt8]

  /// The output as text, without trailing newlines.
  public var output: String {
    var text = bytes[...]
    while let last = text.last, last == 0x0A || last == 0x0D { text.removeLast() }
    return String(decoding: text, as: UTF8.self)
  }

  /// Whether the status is 0.
  public var succeeded: Bool { status == 0 }

  /// The output, line by line.
  public var lines: [String] {
    output.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
  }
}
