/// A running network driver domain of ours.
public final class NetworkDomain: NetworkBackendDomain {
  /// The domain's name, which guests' configurations call `backend`.
  public static let name = "network"

  /// The domain itself; its console log is that of init and of all backends.
  public let domain: Domain
  /// The host that it runs on.
  public let host: XenHost
  /// QEMU's network behind the domain's card.
  public let outside = OutsideNetwork.first

  /// Creates the domain and waits until it says that it is ready.
  public init(on host: XenHost) async throws {
    self.host = host
    let bridges =
      "driver_domain.bridge=\(Self.outsideBridge):eth0 driver_domain.bridge=\(Self.insideBridge): "
      + "driver_domain.mtu=\(Self.insideBridge):\(Self.insideMTUBytes)"
    domain = try await host.createDomain(
      .driverDomain(
        Self.name, image: .network, pci: [XenHost.networkCard], memory: 256,
        commandLine: "quiet rootfstype=ramfs oops=panic panic=-1 driver_domain.log=debug "
          + "driver_domain.queues=2 " + bridges))
    try await host.waitForXenStore("\(directory)/data/driver-domain/status", value: "ready")
  }
}
