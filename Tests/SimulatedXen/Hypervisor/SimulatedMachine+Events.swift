package import RingTransport
import SystemPackage

/// Event channels (Xen's `event_channel.c`).
extension SimulatedMachine {
  /// Opens a port that `remote` may bind to (`EVTCHNOP_alloc_unbound`).
  package func allocateUnbound(
    in domain: DomainIdentifier, for remote: DomainIdentifier
  ) -> EventChannelPort {
    required(domain).allocatePort(.unbound(remote: remote))
  }

  /// Closes a port. The other end goes back to waiting for this domain.
  package func close(_ port: EventChannelPort, of domain: DomainIdentifier) {
    guard let state = required(domain).port(port) else { return }
    if case .interdomain(let remote, let remotePort) = state.channel {
      domains[remote]?.ports[Int(remotePort.rawValue)].channel = .unbound(remote: domain)
    }
    required(domain).ports[Int(port.rawValue)] = SimulatedDomain.Port()
  }

  /// Sends an event. To an end that nobody bound it goes nowhere, without an error.
  package func send(_ port: EventChannelPort, of domain: DomainIdentifier) {
    guard case .interdomain(let remote, let remotePort)? = required(domain).port(port)?.channel
    else { return }
    domains[remote]?.ports[Int(remotePort.rawValue)].isPending = true
  }

  /// Takes one pending event of a domain, nil when there is none.
  ///
  /// - Parameter masking: whether the port stays masked until ``unmask(_:of:)``, as Linux's event
  ///   device does it for a backend.
  package func takeEvent(
    of domain: DomainIdentifier, masking: Bool = false
  ) -> EventChannelPort? {
    let state = required(domain)
    guard let index = state.ports.firstIndex(where: { $0.isPending && !$0.isMasked }) else {
      return nil
    }
    state.ports[index].isPending = false
    state.ports[index].isMasked = masking
    return EventChannelPort(rawValue: UInt32(index))
  }

  /// Whether an event is pending and not masked.
  package func hasEvent(_ port: EventChannelPort, of domain: DomainIdentifier) -> Bool {
    guard let state = required(domain).port(port) else { return false }
    return state.isPending && !state.isMasked
  }

  /// Takes the event of one port.
  ///
  /// - Returns: false when there was none.
  package func takeEvent(_ port: EventChannelPort, of domain: DomainIdentifier) -> Bool {
    guard hasEvent(port, of: domain) else { return false }
    required(domain).ports[Int(port.rawValue)].isPending = false
    return true
  }

  /// Lets events of a port through again.
  package func unmask(_ port: EventChannelPort, of domain: DomainIdentifier) {
    guard required(domain).port(port) != nil else { return }
    required(domain).ports[Int(port.rawValue)].isMasked = false
  }

  /// How many ports a domain has open.
  package func openPortCount(of domain: DomainIdentifier) -> Int {
    required(domain).ports.count { $0.channel != .free }
  }

  func bind(
    _ remotePort: EventChannelPort, of remote: DomainIdentifier, by domain: DomainIdentifier
  ) throws(Errno) -> EventChannelPort {
    if faults.strikes(faults.bindPercent) { throw .noSpace }
    guard let state = domains[remote]?.port(remotePort),
      state.channel == .unbound(remote: domain)
    else { throw .invalidArgument }
    let port = required(domain).allocatePort(.interdomain(remote: remote, port: remotePort))
    required(remote).ports[Int(remotePort.rawValue)].channel =
      .interdomain(remote: domain, port: port)
    // Events sent before the bind are lost, so the new end looks once by itself.
    required(domain).ports[Int(port.rawValue)].isPending = true
    return port
  }
}
