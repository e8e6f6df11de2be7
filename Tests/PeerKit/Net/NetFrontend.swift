package import RingTransport
package import SimulatedXen
package import SystemPackage

/// An honest guest's network device: queues, perhaps a control ring, and what its driver writes
/// into XenStore before it goes to state 3.
package final class NetFrontend {
  /// The queues, each with its own rings and event channels.
  package let queues: [NetFrontendQueue]
  /// The control ring, which only Windows uses.
  package let control: NetControlFrontend?
  /// What the guest says it can take.
  package let features: GuestFeatures

  /// Allocates all that the device needs.
  ///
  /// - Parameter start: where the counters of all rings begin.
  package init(
    machine: SimulatedMachine, domain: DomainIdentifier, backendDomain: DomainIdentifier,
    queueCount: Int = 1, features: GuestFeatures = GuestFeatures(), hasSplitChannels: Bool = true,
    hasControlRing: Bool = false, startingAt start: UInt32 = 0, seed: UInt64
  ) throws(Errno) {
    precondition(queueCount > 0)
    self.features = features
    var queues: [NetFrontendQueue] = []
    for index in 0..<queueCount {
      queues.append(
        try NetFrontendQueue(
          machine: machine, domain: domain, backendDomain: backendDomain, features: features,
          hasSplitChannels: hasSplitChannels, startingAt: start,
          seed: seed &+ UInt64(index) &* 1_000_003))
    }
    self.queues = queues
    control =
      hasControlRing
      ? try NetControlFrontend(
        machine: machine, domain: domain, backendDomain: backendDomain, startingAt: start,
        seed: seed &+ 77)
      : nil
  }

  /// Names and values below the frontend's path: flat for one queue, below `queue-N` for several
  /// (`write_queue_xenstore_keys` in Linux's netfront).
  package var storeNodes: [(name: String, value: String)] {
    var nodes: [(name: String, value: String)] = []
    if queues.count > 1 { nodes.append(("multi-queue-num-queues", "\(queues.count)")) }
    for (index, queue) in queues.enumerated() {
      let prefix = queues.count > 1 ? "queue-\(index)/" : ""
      nodes.append((prefix + "tx-ring-ref", "\(queue.transmitReference.rawValue)"))
      nodes.append((prefix + "rx-ring-ref", "\(queue.receiveReference.rawValue)"))
      if queue.hasSplitChannels {
        nodes.append((prefix + "event-channel-tx", "\(queue.transmitPort.rawValue)"))
        nodes.append((prefix + "event-channel-rx", "\(queue.receivePort.rawValue)"))
      } else {
        nodes.append((prefix + "event-channel", "\(queue.transmitPort.rawValue)"))
      }
    }
    if let control {
      nodes.append(("ctrl-ring-ref", "\(control.reference.rawValue)"))
      nodes.append(("event-channel-ctrl", "\(control.port.rawValue)"))
    }
    nodes += [("request-rx-copy", "1"), ("feature-rx-notify", "1")]
    if features.scatterGather { nodes.append(("feature-sg", "1")) }
    if features.segmentation4 { nodes.append(("feature-gso-tcpv4", "1")) }
    if features.segmentation6 { nodes.append(("feature-gso-tcpv6", "1")) }
    if !features.checksum4 { nodes.append(("feature-no-csum-offload", "1")) }
    if features.checksum6 { nodes.append(("feature-ipv6-csum-offload", "1")) }
    if features.headroomByteCount > 0 {
      nodes.append(("xdp-headroom", "\(features.headroomByteCount)"))
    }
    return nodes
  }

  /// Looks at all rings; see ``NetFrontendQueue/auditRings()``.
  package func auditRings() throws(PeerFailure) {
    for queue in queues { try queue.auditRings() }
  }

  /// Gives everything back as a guest does that closes the device.
  package func close() throws(PeerFailure) {
    for queue in queues { try queue.close() }
    try control?.close()
  }
}
