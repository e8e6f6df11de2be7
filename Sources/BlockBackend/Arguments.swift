import RingTransport
import Logging

/// The program's arguments.
struct Arguments: Equatable {
  /// What the program was called to do.
  enum Mode: Equatable {
    /// Serve a leaf.
    case serve(BackendLeaf)
    case help
    case version
    /// The arguments are wrong; the text says how.
    case wrong(String)
  }

  var mode = Mode.wrong("--path is missing")
  /// Size of the buffer that all requests in flight share, in KiB.
  var bufferKiB = 4096
  var logLevel = Logger.Level.info
  /// Connect here instead of `/dev/xen/xenbus`.
  var xenStoreSocket: String?

  static let version = "0.1.0"

  /// The smallest buffer holds one request of the largest kind; the largest is what a domain of
  /// moderate size can spare for one disk.
  static let bufferKiBRange = BlockQueue.smallestBufferByteCount / 1024...(256 * 1024)

  /// Reads the arguments, without the program's name.
  init(_ arguments: some Sequence<String>) {
    var rest = arguments.makeIterator()
    while let argument = rest.next() {
      switch argument {
      case "--help", "-h": mode = .help
      case "--version": mode = .version
      case "--path":
        guard let text = rest.next(), let leaf = BackendLeaf(text), leaf.kind.isDisk
        else {
          mode = .wrong("--path needs a leaf such as backend/vbd/2/51712")
          return
        }
        mode = .serve(leaf)
        continue
      case "--buffer-kib":
        guard let text = rest.next(), let number = Int(text), number % 4 == 0,
          Self.bufferKiBRange.contains(number)
        else {
          mode = .wrong(
            "--buffer-kib needs a multiple of 4 from \(Self.bufferKiBRange.lowerBound) "
              + "to \(Self.bufferKiBRange.upperBound)")
          return
        }
        bufferKiB = number
        continue
      case "--log-level":
        guard let text = rest.next(), let level = Logger.Level(rawValue: text) else {
          mode = .wrong("--log-level needs one of trace, debug, info, notice, warning, error")
          return
        }
        logLevel = level
        continue
      case "--xenstore":
        guard let path = rest.next(), path.hasPrefix("/") else {
          mode = .wrong("--xenstore needs the absolute path of xenstored's socket")
          return
        }
        xenStoreSocket = path
        continue
      default:
        mode = .wrong("unknown argument '\(argument)'")
      }
      return
    }
  }

  static let helpText = """
    usage: block-backend --path LEAF [--buffer-kib N] [--log-level LEVEL] [--xenstore SOCKET]
           block-backend --help | --version

    Serves one disk of one guest: the backend end of the Xen block protocol, for the device whose
    XenStore directory is LEAF, relative to this domain's own (backend/vbd/GUEST/DEVICE). Normally
    driver-domain-init starts one process for each device.

    Options:
      --buffer-kib N      memory for the data of requests in flight (4096)
      --log-level LEVEL   trace, debug, info (default), notice, warning, error
      --xenstore SOCKET   connect to xenstored's socket instead of /dev/xen/xenbus

    SIGTERM: finish the requests in flight and exit; the device's state is left as it is.

    """
}
