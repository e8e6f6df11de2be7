package import RingTransport
package import SystemPackage

/// A simulated machine as one of its domains sees it.
package struct SimulatedHypervisor: Hypervisor {
  /// The machine.
  package let machine: SimulatedMachine
  /// The domain that asks.
  package let domain: DomainIdentifier
  /// Whether events that it sends go nowhere, as with a process that dies before it sends them.
  package var dropsEvents = false

  /// The view of `domain`, which exists.
  package init(_ machine: SimulatedMachine, domain: DomainIdentifier) {
    self.machine = machine
    self.domain = domain
  }

  package mutating func map(
    _ references: [GrantReference], of granter: DomainIdentifier
  ) throws(Errno) -> SharedPages {
    try machine.map(references, of: granter, by: domain)
  }

  package mutating func copy(_ batch: inout GrantCopyBatch) throws(Errno) {
    try machine.copy(&batch, by: domain)
  }

  package mutating func bind(
    _ remotePort: EventChannelPort, of remote: DomainIdentifier
  ) throws(Errno) -> EventChannelPort {
    try machine.bind(remotePort, of: remote, by: domain)
  }

  package mutating func unbind(_ port: EventChannelPort) {
    machine.close(port, of: domain)
  }

  package mutating func notify(_ port: EventChannelPort) {
    if dropsEvents { return }
    machine.send(port, of: domain)
  }
}
