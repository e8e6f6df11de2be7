import RingTransport

/// What the hypervisor keeps for one domain: grant table and event channels.
final class SimulatedDomain {
  /// One entry of a grant table.
  struct Grant {
    var frame: MachineFrame
    /// Who may use it.
    var grantee: DomainIdentifier
    var isReadOnly: Bool
    /// How many mappings hold the page now.
    var mappingCount = 0
    /// Whether a grant copy is at it at this moment.
    var isBeingCopied = false
  }

  /// The state of an event channel's local end (`ECS_*` in Xen's `sched.h`).
  enum Channel: Equatable {
    case free
    /// Waits for `remote` to bind.
    case unbound(remote: DomainIdentifier)
    case interdomain(remote: DomainIdentifier, port: EventChannelPort)
  }

  /// A local port.
  struct Port {
    var channel = Channel.free
    var isPending = false
    var isMasked = false
  }

  /// As in Linux, whose references start after the reserved ones. Nil: unused.
  var grants: [Grant?] = Array(repeating: nil, count: 8)
  /// Used again last in, first out, so that a stale reference soon names another page.
  var freeReferences: [Int] = []
  /// Port 0 is never used.
  var ports = [Port()]
  var frames: Set<MachineFrame> = []

  func grant(_ reference: GrantReference) -> Grant? {
    let index = Int(reference.rawValue)
    return index < grants.count ? grants[index] : nil
  }

  func port(_ port: EventChannelPort) -> Port? {
    let index = Int(port.rawValue)
    guard index < ports.count, ports[index].channel != .free else { return nil }
    return ports[index]
  }

  /// Takes the lowest free port.
  func allocatePort(_ channel: Channel) -> EventChannelPort {
    var index = 1
    while index < ports.count, ports[index].channel != .free { index += 1 }
    if index == ports.count { ports.append(Port()) }
    ports[index] = Port(channel: channel)
    return EventChannelPort(rawValue: UInt32(index))
  }
}
