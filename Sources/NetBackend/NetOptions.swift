internal import Glibc
import RingTransport

/// The options of `net-backend` beside those of every backend.
struct NetOptions: Sendable, Equatable {
  /// Where frames go; nil for the TAP device that has the vif's name.
  var uplink: NetUplink?
  /// What the guest may send, instead of the default.
  var filter: String?
  /// Why the vif cannot be served, found out by whoever started the process.
  var unusable: String?
  /// The most queues that a guest may have. A queue is a thread, so by default as many as there
  /// are processors.
  var queueCountMax = HeldQueue.usualCount

  /// More queues than this no frontend asks for.
  static let queueCountRange = 1...HeldQueue.countMax

  /// Where a vif's frames go.
  func uplink(of leaf: BackendLeaf) -> NetUplink {
    uplink ?? .tap("vif\(leaf.frontendDomain).\(leaf.device)")
  }

  /// Reads the program's arguments, without its name.
  static func read(_ arguments: some Sequence<String>) -> BackendArguments<NetOptions> {
    BackendArguments(
      arguments, options: NetOptions(), example: "backend/vif/2/0",
      accepts: { $0 == .virtualInterface }
    ) { options, argument, value in options.take(argument, value) }
  }

  private mutating func take(
    _ argument: String, _ value: () -> String?
  ) -> BackendArguments<NetOptions>.Outcome {
    switch argument {
    case "--uplink":
      guard let text = value(), let uplink = NetUplink(text) else {
        return .wrong("--uplink needs tap:NAME, packet:INTERFACE or pcap:INTERFACE")
      }
      self.uplink = uplink
    case "--filter":
      guard let text = value() else { return .wrong("--filter needs an expression") }
      filter = text
    case "--unusable":
      guard let text = value() else { return .wrong("--unusable needs a reason") }
      unusable = text
    case "--queues":
      return .number(argument, value, in: Self.queueCountRange, into: &queueCountMax)
    default: return .unknown
    }
    return .taken
  }

  static let helpText = """
    usage: net-backend --path LEAF [OPTION...]
           net-backend --spare | --template --orders-descriptor N [OPTION...]
           net-backend capture --interface NAME --file FILE [OPTION...]
           net-backend --help | --version

    Serves one network interface of one guest: the backend end of the Xen network protocol, for the
    device whose XenStore directory is LEAF, relative to this domain's own
    (backend/vif/GUEST/DEVICE). Normally driver-domain-init starts one process for each device.

    Options:
      --uplink tap:NAME          the vif's frames cross a TAP device (tap:vifGUEST.DEVICE)
      --uplink packet:INTERFACE  or an interface directly, through a packet socket
      --uplink pcap:INTERFACE    or through libpcap, without offloads
      --filter EXPRESSION        what the guest may send, in the language of pcap-filter(7), from
                                 its own addresses only; only:EXPRESSION from any
      --queues N                 the most queues of the guest (as many as processors)
      --unusable REASON          tell the toolstack that the vif cannot be served, and why
      --log-level LEVEL          trace, debug, info (default), notice, warning, error
      --sandbox on|off           whether the process gives its rights away before it serves (on)
      --xenstore SOCKET          connect to xenstored's socket instead of /dev/xen/xenbus

    For whoever starts the process:
      --status-descriptor N      an open file of 4096 bytes for signs of life, sums and what the
                                 guest has set, which outlives the process and goes to the next one
                                 of the same device
      --spare                    get ready to serve, and wait for a leaf
      --orders-descriptor N      where it comes from: a SOCK_SEQPACKET socket, one message with the
                                 leaf and its arguments, and with the status page as a descriptor.
                                 A "!" in front of the leaf: another process serves it; get ready,
                                 and wait for a second message, "!"
      --template                 make a spare for each message, whose descriptor is the spare's end
                                 of such a socket

    SIGTERM: finish what was taken from the guest and exit; the device's state is left as it is. A
    process that starts while the guest is connected takes the interface over, whatever became of
    the last one.

    net-backend capture writes an interface's traffic to a file; see net-backend capture --help.

    """
}
