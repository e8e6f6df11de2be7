internal import Glibc

/// `net-backend`: one process, one interface.
@main struct NetBackend {
  static let version = "0.1.0"

  static let helpText = """
    usage: net-backend --help | --version

    Serves one network interface of one guest: the backend end of the Xen network protocol.

    """

  static func main() {
    switch CommandLine.arguments.dropFirst().first {
    case "--help"?, "-h"?: print(helpText, terminator: "")
    case "--version"?: print("net-backend \(version)")
    default: exit(2)
    }
  }
}
