internal import Glibc
public import Logging
public import SystemPackage

/// Writes each event as one line, `block-backend[7]: info: message key=value`, for all programs of
/// a driver domain, whose only place for logs is the console.
///
/// The descriptor should not block: when Dom0's console daemon stands still a line is lost, and the
/// program goes on. No value can forge a line: control characters are written as `\xNN`.
public struct ConsoleLog: LogHandler {
  /// Events below are dropped.
  public var logLevel: Logger.Level
  /// Fields of every line.
  public var metadata: Logger.Metadata = [:]
  private let console: FileDescriptor
  private let prefix: String

  /// A line longer than this is cut: one line must not fill the console's ring (2048 bytes).
  static let lineByteCountMax = 1024

  /// A handler that writes to `console`, which outlives it.
  public init(console: FileDescriptor, program: String, level: Logger.Level) {
    self.console = console
    self.prefix = "\(program)[\(getpid())]"
    self.logLevel = level
  }

  /// A field of every line.
  public subscript(metadataKey key: String) -> Logger.Metadata.Value? {
    get { metadata[key] }
    set { metadata[key] = newValue }
  }

  /// Writes one event.
  public func log(event: LogEvent) {
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
    var line = "\(prefix): \(level.rawValue): \(printable(message))"
    for (key, value) in values.sorted(by: { $0.key < $1.key }) {
      let text = printable(value.description)
      let isPlain = !text.isEmpty && !text.contains(" ") && !text.contains("\"")
      line += isPlain ? " \(key)=\(text)" : " \(key)=\"\(text)\""
    }
    return line
  }

  private static func printable(_ text: String) -> String {
    var result = ""
    for scalar in text.unicodeScalars {
      if scalar.value < 0x20 || scalar.value == 0x7F {
        result += (scalar.value < 0x10 ? "\\x0" : "\\x") + String(scalar.value, radix: 16)
      } else {
        result.unicodeScalars.append(scalar)
      }
    }
    return result
  }
}
