import RingTransport
import SystemPackage

/// What a guest said of itself when it connected.
struct NetGuest: Sendable, Equatable {
  let domain: DomainIdentifier
  /// What it takes.
  var features: Offload.GuestFeatures
  /// Whether it sends events for pages that it offers (`feature-rx-notify`).
  var sendsReceiveEvents: Bool
  /// Room that it wants in front of received data (`xdp-headroom`), in bytes.
  var headroomByteCount: Int
}

/// Where one queue's rings and event channels are.
struct NetQueueParameters: Sendable, Equatable {
  var transmitRing: GrantReference
  var receiveRing: GrantReference
  var transmitPort: EventChannelPort
  /// The same as `transmitPort` where there is one for both.
  var receivePort: EventChannelPort
}

/// Why a vif could not be connected.
enum NetConnectionError: Error, CustomStringConvertible {
  case map(Errno)
  case bind(Errno)
  case memory(Errno)
  /// The thread of a queue could not be started.
  case thread(Errno)
  /// Fewer were opened, by what an earlier process has kept of its promises, than the leaf says.
  case devices(wanted: Int, opened: Int)
  /// The network side of a queue could not be opened.
  case port(NetPortError)
  case violation(NetViolation)
  /// What an earlier process promised cannot be kept.
  case promise(NetPromiseError)

  var description: String {
    switch self {
    case .map(let errno): "cannot map the frontend's ring: \(errno)"
    case .bind(let errno): "cannot bind the frontend's event channel: \(errno)"
    case .memory(let errno): "no memory for a queue: \(errno)"
    case .thread(let errno): "cannot start the thread of a queue: \(errno)"
    case .devices(let wanted, let opened):
      "the guest has \(wanted) queues, and devices for \(opened) are open"
    case .port(let error): error.description
    case .violation(let violation): violation.description
    case .promise(let error): error.description
    }
  }
}
