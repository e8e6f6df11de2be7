/// The arguments of `net-backend capture`.
struct CaptureOptions: Equatable {
  var interface = ""
  var file = ""
  var filter = ""
  var limitMebibytes = 64

  /// What the arguments ask for.
  enum Request: Equatable {
    case capture(CaptureOptions)
    case help
    case wrong(String)
  }

  /// A capture without an end must not fill a volume.
  static let limitRange = 1...65_536

  /// Reads the arguments behind `capture`.
  static func read(_ arguments: some Sequence<String>) -> Request {
    var options = CaptureOptions()
    var rest = Array(arguments)[...]
    while let argument = rest.popFirst() {
      if argument == "--help" || argument == "-h" { return .help }
      guard ["--interface", "--file", "--filter", "--limit-mib"].contains(argument) else {
        return .wrong("unknown argument '\(argument)'")
      }
      guard let value = rest.popFirst(), !value.isEmpty else {
        return .wrong("\(argument) needs a value")
      }
      switch argument {
      case "--interface": options.interface = value
      case "--file": options.file = value
      case "--filter": options.filter = value
      default:
        guard let number = Int(value), limitRange.contains(number) else {
          return .wrong(
            "--limit-mib needs a number from \(limitRange.lowerBound) "
              + "to \(limitRange.upperBound)")
        }
        options.limitMebibytes = number
      }
    }
    if options.interface.isEmpty { return .wrong("--interface is missing") }
    if options.file.isEmpty { return .wrong("--file is missing") }
    return .capture(options)
  }

  static let helpText = """
    usage: net-backend capture --interface NAME --file FILE [--filter EXPRESSION] [--limit-mib N]

    Writes the traffic of an interface, such as a guest's vif2.0, to a file in the format of
    libpcap, until SIGTERM or SIGINT, or until the file is full. A file that exists is left alone:
    the next free FILE.1, FILE.2, ... is written.

    Options:
      --filter EXPRESSION  only matching frames, in the language of pcap-filter(7)
      --limit-mib N        the most that the file may grow to (64)

    Frames on a guest's interface can be longer than the MTU, with checksums yet to be filled in:
    that is how they cross between guest and driver domain.

    """
}
