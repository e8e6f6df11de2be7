public import Logging

/// The arguments that every backend program takes, and how it reads its own.
public struct BackendArguments<Options: Sendable>: Sendable {
  /// What the program was called to do.
  public enum Mode: Sendable, Equatable {
    /// Serve a leaf.
    case serve(BackendLeaf)
    case help
    case version
    /// The arguments are wrong; the text says how.
    case wrong(String)
  }

  /// What came of one argument that is not everybody's.
  public enum Outcome: Sendable, Equatable {
    case taken
    case unknown
    /// The text says what the option needs.
    case wrong(String)
  }

  /// What to do.
  public var mode = Mode.wrong("--path is missing")
  /// Events below are not logged.
  public var logLevel = Logger.Level.info
  /// Connect here instead of `/dev/xen/xenbus`.
  public var xenStoreSocket: String?
  /// The program's own options.
  public var options: Options

  /// Reads the arguments, without the program's name.
  ///
  /// - Parameters:
  ///   - example: a leaf that the program could serve, for error messages.
  ///   - accepts: whether the program serves leaves of a kind.
  ///   - takeOption: reads one argument of the program's own, and its value by the function that it
  ///     is given.
  public init(
    _ arguments: some Sequence<String>, options: Options, example: String,
    accepts: (BackendLeaf.Kind) -> Bool,
    takeOption: (inout Options, String, () -> String?) -> Outcome
  ) {
    self.options = options
    var rest = Array(arguments)[...]
    while let argument = rest.popFirst() {
      switch argument {
      case "--help", "-h": mode = .help
      case "--version": mode = .version
      case "--path":
        guard let text = rest.popFirst(), let leaf = BackendLeaf(text), accepts(leaf.kind) else {
          mode = .wrong("--path needs a leaf such as \(example)")
          return
        }
        mode = .serve(leaf)
        continue
      case "--log-level":
        guard let text = rest.popFirst(), let level = Logger.Level(rawValue: text) else {
          mode = .wrong("--log-level needs one of trace, debug, info, notice, warning, error")
          return
        }
        logLevel = level
        continue
      case "--xenstore":
        guard let path = rest.popFirst(), path.hasPrefix("/") else {
          mode = .wrong("--xenstore needs the absolute path of xenstored's socket")
          return
        }
        xenStoreSocket = path
        continue
      default:
        switch takeOption(&self.options, argument, { rest.popFirst() }) {
        case .taken: continue
        case .unknown: mode = .wrong("unknown argument '\(argument)'")
        case .wrong(let text): mode = .wrong(text)
        }
      }
      return
    }
  }
}
