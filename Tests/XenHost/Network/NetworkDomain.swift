/// A running network driver domain of ours.
public final class NetworkDomain: NetworkBackendDomain {
  /// The usual name, which guests' configurations call `backend`.
  public static let name = "network"

  /// The domain itself; its console log is that of init and of all backends.
  public let domain: Domain
  /// The host that it runs on.
  public let host: XenHost
  /// QEMU's network behind the domain's card.
  public let outside = OutsideNetwork.first

  /// The memory of a domain with a sink, in MiB.
  public static let memoryWithSink = 320

  /// Creates the domain and waits until it says that it is ready.
  ///
  /// - Parameters:
  ///   - hasCard: whether a network card is passed through; without one the bridge to the outside
  ///     leads nowhere, and guests reach each other only.
  ///   - hasSink: whether it has an address of its own on the bridge with the card, and an iperf3
  ///     server there; the host must have ``DriverDomainImage/networkWithSink()``.
  public init(
    on host: XenHost, named name: String = NetworkDomain.name, hasCard: Bool = true,
    hasSink: Bool = false
  ) async throws {
    self.host = host
    let bridges =
      "driver_domain.bridge=\(Self.outsideBridge):\(hasCard ? "eth0" : "") "
      + "driver_domain.bridge=\(Self.insideBridge): "
      + "driver_domain.mtu=\(Self.insideBridge):\(Self.insideMTUBytes)"
    // What follows the dashes are the shell's arguments: the kernel starts no scripts.
    let sink =
      " driver_domain.address=\(Self.outsideBridge):dhcp rdinit=/bin/sh -- /sbin/sink-init"
    domain = try await host.createDomain(
      .driverDomain(
        name, image: .network, pci: hasCard ? [XenHost.networkCard] : [],
        memory: hasSink ? Self.memoryWithSink : 256,
        commandLine: "quiet rootfstype=ramfs oops=panic panic=-1 sysrq_always_enabled "
          + "driver_domain.log=debug "
          + "driver_domain.queues=2 " + bridges + (hasSink ? sink : "")))
    try await host.waitForXenStore("\(directory)/data/driver-domain/status", value: "ready")
  }

  /// Waits for the domain's own address, and returns it.
  public func ownAddress() async throws -> String {
    let node = "\(directory)/data/driver-domain/address/\(Self.outsideBridge)"
    let text = try await host.dom0.check(
      "until xenstore-read \(node) 2>/dev/null | grep -q '^[0-9]'; do usleep 100000; done; "
        + "xenstore-read \(node)")
    return String(text.prefix { $0.isNumber || $0 == "." })
  }
}
