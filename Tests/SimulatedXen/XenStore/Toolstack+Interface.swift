import RingTransport

/// Network interfaces (`libxl_nic.c`).
extension Toolstack {
  /// What a line of the guest's configuration says of an interface.
  package struct InterfaceConfiguration {
    /// The guest's address.
    package var address = "00:16:3e:00:00:02"
    /// The bridge that it is to be a port of.
    package var bridge = "xenbr0"
    /// Addresses that the guest may use, separated by spaces.
    package var ip: String?
    /// The name of the driver domain's end.
    package var name: String?
    /// Bytes and microseconds, as in `rate=`, which libxl makes `BYTES,MICROSECONDS` of.
    package var rate: (byteCount: UInt64, microseconds: UInt32)?
    /// The largest packet in bytes, without the frame's header.
    package var mtu = 1500

    /// `vif = [ "backend=NAME" ]`
    package init() {}
  }

  /// `xl network-attach`, or an interface of `xl create`: one transaction, then the wait for
  /// state 2.
  package func attachInterface(
    _ interface: Device, _ configuration: InterfaceConfiguration = InterfaceConfiguration()
  ) {
    precondition(interface.kind == .interface)
    let front: [(String, String)] = [
      ("backend", interface.backendPath.description),
      ("backend-id", "\(interface.backendDomain)"), ("state", "1"),
      ("handle", "\(interface.device)"), ("mac", configuration.address), ("trusted", "1"),
    ]
    var back: [(String, String)] = [
      ("frontend", interface.frontendPath.description), ("frontend-id", "\(interface.guest)"),
      ("online", "1"), ("state", "1"), ("script", "/etc/xen/scripts/vif-bridge"),
    ]
    if let name = configuration.name { back.append(("vifname", name)) }
    back.append(("mac", configuration.address))
    if let ip = configuration.ip { back.append(("ip", ip)) }
    if let rate = configuration.rate {
      back.append(("rate", "\(rate.byteCount),\(rate.microseconds)"))
    }
    if configuration.mtu != 1500 { back.append(("mtu", "\(configuration.mtu)")) }
    // The empty status makes Linux's backend wait for its hotplug script.
    back += [
      ("bridge", configuration.bridge), ("handle", "\(interface.device)"), ("type", "vif"),
      ("hotplug-status", ""),
    ]
    attach(
      interface, front: front, back: back, sharedFront: [("mtu", "\(configuration.mtu)")])
  }
}
