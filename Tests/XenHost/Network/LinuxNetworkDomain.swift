/// A driver domain with Linux's own xen-netback: proves guests, bridges and cards without a backend
/// of ours, and is what ours is measured against.
public final class LinuxNetworkDomain: NetworkBackendDomain {
  /// The domain's name, which guests' configurations call `backend`.
  public static let name = "linux-network"

  /// The domain itself, whose agent answers.
  public let domain: Domain
  /// The host that it runs on.
  public let host: XenHost
  /// QEMU's network behind the domain's card.
  public let outside = OutsideNetwork.second

  /// Creates the domain from the guests' image, with its own network card, and waits until it
  /// serves.
  ///
  /// - Parameter memory: in MiB, for a domain under our build of Linux, for which the host must
  ///   have ``DriverDomainImage/peer``; nil for one under Debian's, with the backend as a module.
  public init(on host: XenHost, asPeerWith memory: Int? = nil) async throws {
    self.host = host
    let pci = [XenHost.peerNetworkCard]
    var configuration = DomainConfiguration.guest(Self.name, memory: 192)
    configuration.pci = pci
    if let memory { configuration = .peerDomain(Self.name, pci: pci, memory: memory) }
    domain = try await host.startGuest(configuration)
    try await domain.check("setsid network-backend </dev/null >/run/network-backend.log 2>&1 &")
    try await host.waitForXenStore("\(directory)/data/network-backend", value: "ready")
  }

  /// Has the domain get an address of its own on the bridge with the card, and serve iperf3 there.
  public func ownAddress() async throws -> String {
    let address = try await domain.requestAddress(on: Self.outsideBridge)
    try await domain.serveIperf()
    return address
  }
}
