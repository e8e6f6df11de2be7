public import Logging

/// The arguments that every backend program takes, and how it reads its own.
public struct BackendArguments<Options: Sendable>: Sendable {
  /// What the program was called to do.
  public enum Mode: Sendable, Equatable {
    /// Serve a leaf.
    case serve(BackendLeaf)
    /// Get ready, and wait for an order on this descriptor that says which leaf to serve.
    case spare(ordersDescriptor: Int32)
    /// Get ready, and become a spare for each message on this descriptor, by copies.
    case template(requestsDescriptor: Int32)
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

    /// Takes an option whose value is a number of a range.
    public static func number(
      _ argument: String, _ value: () -> String?, in range: ClosedRange<Int>,
      into option: inout Int
    ) -> Outcome {
      guard let text = value(), let number = Int(text), range.contains(number) else {
        return .wrong("\(argument) needs a number from \(range.lowerBound) to \(range.upperBound)")
      }
      option = number
      return .taken
    }
  }

  /// What to do.
  public var mode = Mode.wrong("--path is missing")
  /// Events below are not logged.
  public var logLevel = Logger.Level.info
  /// Connect here instead of `/dev/xen/xenbus`.
  public var xenStoreSocket: String?
  /// The status page that whoever started the process made for it.
  public var statusDescriptor: Int32?
  /// The queues of its TAP device that whoever started the process holds, in their order.
  public var queueDescriptors: [Int32] = []
  /// Whether the process gives its rights away before it serves.
  public var isSandboxed = true
  /// The program's own options.
  public var options: Options
  /// All arguments but those that make the process a spare: what the spare becomes has them too.
  public private(set) var lasting: [String] = []

  /// Options about this process alone.
  private static var passing: [String] {
    ["--spare", "--template", "--orders-descriptor", "--status-descriptor", "--queue-descriptor"]
  }

  private var isSpare = false
  private var isTemplate = false
  private var ordersDescriptor: Int32?

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
    while let argument = rest.first {
      let before = rest
      rest.removeFirst()
      guard takeCommon(argument, &rest, example, accepts, takeOption) else { return }
      if !Self.passing.contains(argument) {
        lasting += before.prefix(before.count - rest.count)
      }
    }
    judgeSpare()
  }

  /// Takes one argument with its value.
  ///
  /// - Returns: false when the mode is decided.
  private mutating func takeCommon(
    _ argument: String, _ rest: inout ArraySlice<String>, _ example: String,
    _ accepts: (BackendLeaf.Kind) -> Bool,
    _ takeOption: (inout Options, String, () -> String?) -> Outcome
  ) -> Bool {
    switch argument {
    case "--help", "-h": mode = .help
    case "--version": mode = .version
    case "--path":
      guard let text = rest.popFirst(), let leaf = BackendLeaf(text), accepts(leaf.kind) else {
        return isWrong("--path needs a leaf such as \(example)")
      }
      mode = .serve(leaf)
      return true
    case "--spare":
      isSpare = true
      return true
    case "--template":
      isTemplate = true
      return true
    case "--orders-descriptor", "--status-descriptor", "--queue-descriptor":
      guard let text = rest.popFirst(), let number = Int32(text), number >= 0 else {
        return isWrong("\(argument) needs the number of an open descriptor")
      }
      switch argument {
      case "--orders-descriptor": ordersDescriptor = number
      case "--status-descriptor": statusDescriptor = number
      default: queueDescriptors.append(number)
      }
      return true
    case "--log-level":
      guard let text = rest.popFirst(), let level = Logger.Level(rawValue: text) else {
        return isWrong("--log-level needs one of trace, debug, info, notice, warning, error")
      }
      logLevel = level
      return true
    case "--sandbox":
      guard let text = rest.popFirst(), ["on", "off"].contains(text) else {
        return isWrong("--sandbox needs on or off")
      }
      isSandboxed = text == "on"
      return true
    case "--xenstore":
      guard let path = rest.popFirst(), path.hasPrefix("/") else {
        return isWrong("--xenstore needs the absolute path of xenstored's socket")
      }
      xenStoreSocket = path
      return true
    default:
      switch takeOption(&options, argument, { rest.popFirst() }) {
      case .taken: return true
      case .unknown: return isWrong("unknown argument '\(argument)'")
      case .wrong(let text): return isWrong(text)
      }
    }
    return false
  }

  private mutating func isWrong(_ text: String) -> Bool {
    mode = .wrong(text)
    return false
  }

  /// A spare or a template does not know its leaf, and nobody else hears orders.
  private mutating func judgeSpare() {
    guard isSpare || isTemplate || ordersDescriptor != nil else { return }
    if case .serve = mode {
      mode = .wrong("--path goes with none of --spare, --template and --orders-descriptor")
    } else if isSpare != isTemplate, let ordersDescriptor {
      mode =
        isSpare
        ? .spare(ordersDescriptor: ordersDescriptor)
        : .template(requestsDescriptor: ordersDescriptor)
    } else {
      mode = .wrong("--orders-descriptor goes with either --spare or --template, and they with it")
    }
  }
}
