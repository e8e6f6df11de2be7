/// The program's own arguments.
enum ControlArguments: Equatable {
  case run(file: String)
  case restart(name: String)
  case upgrade(name: String, directory: String)
  case status
  case top
  case metrics
  case logs(name: String, follows: Bool)
  case help
  case version
  case wrong(String)

  /// Reads the arguments, of which the first is the program's name.
  static func parse(_ arguments: [String]) -> ControlArguments {
    var words = Array(arguments.dropFirst())
    if words.contains("--help") || words.contains("-h") { return .help }
    guard let command = words.first else { return .wrong("a command is missing") }
    words.removeFirst()
    switch (command, words.count) {
    case ("--version", 0): return .version
    case ("run", 1): return .run(file: words[0])
    case ("restart", 1): return named(words[0]) { .restart(name: $0) }
    case ("status", 0): return .status
    case ("top", 0): return .top
    case ("metrics", 0): return .metrics
    case ("upgrade", 3) where words[1] == "--image" && words[2].hasPrefix("/"):
      return named(words[0]) { .upgrade(name: $0, directory: words[2]) }
    case ("upgrade", _): return .wrong("upgrade wants NAME --image DIRECTORY, an absolute path")
    case ("logs", 1): return named(words[0]) { .logs(name: $0, follows: false) }
    case ("logs", 2) where words[0] == "-f":
      return named(words[1]) { .logs(name: $0, follows: true) }
    case ("run", _), ("restart", _), ("status", _), ("top", _), ("metrics", _), ("logs", _):
      return .wrong("wrong arguments for '\(command)'")
    default: return .wrong("unknown command '\(command)'")
    }
  }

  private static func named(
    _ name: String, _ make: (String) -> ControlArguments
  ) -> ControlArguments {
    KeeperPaths.isUsable(name: name) ? make(name) : .wrong("'\(name)' is no driver domain's name")
  }

  static let helpText = """
    usage: ddctl run CONFIG
           ddctl restart NAME
           ddctl upgrade NAME --image DIRECTORY
           ddctl status | top | metrics
           ddctl logs [-f] NAME
           ddctl --help | --version

    Keeps driver domains alive: one that dies is created again under its old number, and its guests
    go on where they were.

      run      creates the domain of an xl configuration file that has a line ddctl_domid = NUMBER,
               or takes over the one that runs, and keeps it until it shuts down by itself
      restart  gives the domain a new life; with it, what was changed in its configuration
      upgrade  the same with the kernel and the ramdisk from a directory; when the domain then does
               not come to serve, the old ones are put back
      status   one line for each driver domain
      top      what each device does, every second anew
      metrics  counters of each device, in the text format of Prometheus
      logs     the domain's console, as xenconsoled has recorded it

    Exit codes: 0 done, 1 failed, 2 wrong arguments or configuration. run ends with 0 when the
    domain has shut down by itself or run was told to end (SIGTERM), which leaves the domain alone.

    """
}
