import CLinux
import Glibc
import Logging
import RingTransport
import SystemPackage

/// Chooses what to do.
@main
struct Main {
  static func main() {
    switch ControlArguments.parse(CommandLine.arguments) {
    case .run(let file): exit(RunCommand(file: file).run())
    case .restart(let name):
      exit(withStore { store throws(KeeperError) in try ClientCommands.restart(name, &store) })
    case .upgrade(let name, let directory):
      exit(
        withStore { store throws(KeeperError) in
          try ClientCommands.upgrade(name, directory: directory, &store)
        })
    case .status:
      exit(withStore { store throws(KeeperError) in try ClientCommands.status(&store) })
    case .top:
      exit(withStore { store throws(KeeperError) in try StatisticsCommands.top(&store) })
    case .metrics:
      exit(withStore { store throws(KeeperError) in try StatisticsCommands.metrics(&store) })
    case .logs(let name, let follows): exit(LogsCommand(name: name, follows: follows).run())
    case .help: print(ControlArguments.helpText, terminator: "")
    case .version: print("ddctl \(SuiteVersion.current)")
    case .wrong(let reason):
      print("ddctl: \(reason)\n\n\(ControlArguments.helpText)", terminator: "")
      exit(2)
    }
  }

  /// Runs a command over Dom0's XenStore and gives its exit code.
  private static func withStore(
    _ body: (inout Store<XenStoreSocketTransport>) throws(KeeperError) -> Int32
  ) -> Int32 {
    do {
      var store = Store(try XenStoreSocketTransport())
      return try body(&store)
    } catch {
      print("ddctl: \(error): is this Dom0, and xenstored up?")
      return 1
    }
  }
}
