import Glibc
import Logging
import SystemPackage

/// Writes each event as one line, `driver-domain-init[1]: info: message key=value`.
///
/// The console is opened non-blocking: when Dom0's console daemon stands still a line is lost,
/// and PID 1 goes on.
struct ConsoleLog: LogHandler {
  var logLevel: Logger.Level
  var metadata: Logger.Metadata = [:]
  private let console: FileDescriptor
  private let prefix: String

  /// A line longer than this is cut: one line must not fill the console's ring (2048 bytes).
  static let lineByteCountMax = 1024

  init(console: FileDescriptor, program: String, process: pid_t, level: Logger.Level) {
    self.console = console
    self.prefix = "\(program)[\(process)]"
    self.logLevel = level
  }

  subscript(metadataKey key: String) -> Logger.Metadata.Value? {
    get { metadata[key] }
    set { metadata[key] = newValue }
  }

  func log(event: LogEvent) {
    let values = metadata.merging(event.metadata ?? [:]) { _, ofEvent in ofEvent }
    let line = Self.line(
      prefix: prefix, level: event.level, message: event.message.description, values: values)
    var bytes = Array(line.utf8.prefix(Self.lineByteCountMax - 1))
    bytes.append(UInt8(ascii: "\n"))
    // SAFETY: the call reads the array's bytes and no more. A failure has nowhere to be told.
    _ = unsafe bytes.withUnsafeBytes {
      unsafe Glibc.write(console.rawValue, $0.baseAddress, $0.count)
    }
  }

  /// The text of one line, keys in alphabetical order, without the newline.
  static func line(
    prefix: String, level: Logger.Level, message: String, values: Logger.Metadata
  ) -> String {
    var line = "\(prefix): \(level.rawValue): \(Text.printable(message))"
    for (key, value) in values.sorted(by: { $0.key < $1.key }) {
      let text = Text.printable(value.description)
      let isPlain = !text.isEmpty && !text.contains(" ") && !text.contains("\"")
      line += isPlain ? " \(key)=\(text)" : " \(key)=\"\(text)\""
    }
    return line
  }

  /// Opens the console for the log of PID 1, or gives standard error when there is none.
  static func openConsole(_ path: String = "/dev/console") -> FileDescriptor {
    let options = FileDescriptor.OpenOptions(rawValue: O_NONBLOCK | O_NOCTTY | O_CLOEXEC)
    let console = try? FileDescriptor.open(FilePath(path), .writeOnly, options: options)
    return console ?? .standardError
  }
}
