import RingTransport

/// What we tell the frontend about the vif, as nodes of the leaf (`xen/io/netif.h`; for
/// `feature-xdp-headroom` Linux's copy of it).
enum NetFeatures {
  /// Written together with state InitWait.
  ///
  /// - Parameters:
  ///   - takesOffloads: whether the network side takes unfinished packets.
  ///   - queueCountMax: the most queues.
  static func nodes(
    _ leaf: BackendLeaf, takesOffloads: Bool, queueCountMax: Int
  ) -> [XenStoreOperation] {
    let offload = takesOffloads ? "1" : "0"
    var values = [
      ("feature-sg", "1"),
      ("feature-gso-tcpv4", offload),
      ("feature-gso-tcpv6", offload),
      ("feature-ipv6-csum-offload", offload),
      ("feature-rx-copy", "1"),
      ("feature-rx-flip", "0"),
      ("feature-multicast-control", "1"),
      ("feature-dynamic-multicast-control", "1"),
      ("feature-split-event-channels", "1"),
      ("feature-ctrl-ring", "1"),
      ("feature-xdp-headroom", "1"),
      ("multi-queue-max-queues", String(queueCountMax)),
      ("hotplug-status", "connected"),
    ]
    // Its absence means the opposite, and few nodes are better than many.
    if !takesOffloads { values.append(("feature-no-csum-offload", "1")) }
    return values.map { .write(leaf.node($0.0), $0.1) }
  }
}
