import RingTransport

/// The options of `block-backend` beside those of every backend.
struct BlockOptions: Sendable, Equatable {
  /// Size of the buffer that all requests in flight share, in KiB.
  var bufferKiB = 4096
  /// How long requests wait for a target that is gone, in seconds.
  var deviceLossSeconds = 30
  /// How long to look for more work at most before sleeping, in microseconds; 0 for never.
  var pollMicroseconds = 200
  /// Whether responses keep the order of their requests.
  var isInOrder = false

  /// The smallest buffer holds one request of the largest kind; the largest is what a domain of
  /// moderate size can spare for one disk.
  static let bufferKiBRange = BlockQueue.smallestBufferByteCount / 1024...(256 * 1024)

  /// From not waiting at all to a time after which most administrators have noticed. Windows gives
  /// a request up after two minutes.
  static let deviceLossSecondsRange = 0...3600

  /// Reads the program's arguments, without its name.
  static func read(_ arguments: some Sequence<String>) -> BackendArguments<BlockOptions> {
    BackendArguments(
      arguments, options: BlockOptions(), example: "backend/vbd/2/51712", accepts: \.isDisk
    ) { options, argument, value in options.take(argument, value) }
  }

  private mutating func take(
    _ argument: String, _ value: () -> String?
  ) -> BackendArguments<BlockOptions>.Outcome {
    switch argument {
    case "--buffer-kib":
      guard let text = value(), let number = Int(text), number % 4 == 0,
        Self.bufferKiBRange.contains(number)
      else {
        return .wrong(
          "--buffer-kib needs a multiple of 4 from \(Self.bufferKiBRange.lowerBound) "
            + "to \(Self.bufferKiBRange.upperBound)")
      }
      bufferKiB = number
    case "--device-loss-seconds":
      return .number(argument, value, in: Self.deviceLossSecondsRange, into: &deviceLossSeconds)
    case "--poll-microseconds":
      return .number(
        argument, value, in: PollWindow.limitMicrosecondsRange, into: &pollMicroseconds)
    case "--in-order":
      isInOrder = true
    default:
      return .unknown
    }
    return .taken
  }

  /// The device's part of the options.
  var settings: BlockSettings {
    BlockSettings(
      bufferByteCount: bufferKiB * 1024,
      deviceLossNanoseconds: UInt64(deviceLossSeconds) * 1_000_000_000,
      pollMicroseconds: pollMicroseconds, isInOrder: isInOrder)
  }

  static let helpText = """
    usage: block-backend --path LEAF [OPTION...]
           block-backend --spare | --template --orders-descriptor N [OPTION...]
           block-backend --help | --version

    Serves one disk of one guest: the backend end of the Xen block protocol, for the device whose
    XenStore directory is LEAF, relative to this domain's own (backend/vbd/GUEST/DEVICE). Normally
    driver-domain-init starts one process for each device.

    Options:
      --buffer-kib N           memory for the data of requests in flight (4096)
      --device-loss-seconds N  how long requests wait for a target that is gone (30)
      --poll-microseconds N    how long to look for more work before sleeping (200; 0 for never)
      --in-order               answer requests in their order, for guests that take no other
      --log-level LEVEL        trace, debug, info (default), notice, warning, error
      --sandbox on|off         whether the process gives its rights away before it serves (on)
      --xenstore SOCKET        connect to xenstored's socket instead of /dev/xen/xenbus

    For whoever starts the process:
      --status-descriptor N    an open file of 4096 bytes for signs of life and sums, which outlives
                               the process and goes to the next one of the same device
      --spare                  get ready to serve, and wait for a leaf
      --orders-descriptor N    where it comes from: a SOCK_SEQPACKET socket, one message with the
                               leaf and its arguments, and with the status page as a descriptor.
                               A "!" in front of the leaf: another process serves it; get ready,
                               and wait for a second message, "!"
      --template               make a spare for each message, whose descriptor is the spare's end
                               of such a socket

    SIGTERM: finish the requests in flight and exit; the device's state is left as it is. A process
    that starts while the guest is connected takes the disk over, whatever became of the last one.

    """
}
