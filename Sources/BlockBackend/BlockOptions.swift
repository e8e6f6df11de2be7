import RingTransport

/// The options of `block-backend` beside those of every backend.
struct BlockOptions: Sendable, Equatable {
  /// Size of the buffer that all requests in flight share, in KiB.
  var bufferKiB = 4096

  /// The smallest buffer holds one request of the largest kind; the largest is what a domain of
  /// moderate size can spare for one disk.
  static let bufferKiBRange = BlockQueue.smallestBufferByteCount / 1024...(256 * 1024)

  /// Reads the program's arguments, without its name.
  static func read(_ arguments: some Sequence<String>) -> BackendArguments<BlockOptions> {
    BackendArguments(
      arguments, options: BlockOptions(), example: "backend/vbd/2/51712", accepts: \.isDisk
    ) { options, argument, value in options.take(argument, value) }
  }

  private mutating func take(
    _ argument: String, _ value: () -> String?
  ) -> BackendArguments<BlockOptions>.Outcome {
    guard argument == "--buffer-kib" else { return .unknown }
    guard let text = value(), let number = Int(text), number % 4 == 0,
      Self.bufferKiBRange.contains(number)
    else {
      return .wrong(
        "--buffer-kib needs a multiple of 4 from \(Self.bufferKiBRange.lowerBound) "
          + "to \(Self.bufferKiBRange.upperBound)")
    }
    bufferKiB = number
    return .taken
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
