import Logging
import RingTransport
import SystemPackage
import Testing

@testable import DriverDomainInit

/// The whole network of a driver domain with real links.
@Suite(.enabled(if: NetworkNamespace.isPossible)) struct NetworkRoleTests {
  private let leaf = BackendLeaf(
    kind: .virtualInterface, frontendDomain: DomainIdentifier(rawValue: 2), device: 0)
  private let nodes = ["bridge": "xenbr0", "mac": "00:16:3e:01:02:03"]

  private static func role(_ words: String, isProcessOne: Bool = true) throws -> NetworkRole {
    let options = words.split(separator: " ").map { "driver_domain.\($0)" }
    let (configuration, problems) = Configuration.parse(options.joined(separator: " "))
    #expect(problems.isEmpty)
    let log = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
    return try NetworkRole(
      configuration.network, waitSeconds: 10, isProcessOne: isProcessOne, log: log, now: 0)
  }

  private static func link(_ name: String, _ role: NetworkRole) throws -> Link {
    #expect(role.readLinks())
    return try #require(role.links.first { $0.name == name })
  }

  @Test func bridgeUplinkAndInterface() throws {
    try NetworkNamespace.run { [leaf, nodes] in
      try NetworkNamespace.makeCable("nic", "switch")
      let role = try Self.role("bridge=xenbr0:nic mtu=xenbr0:4000 filter=ip")
      role.refresh(now: 0)
      #expect(role.problems.isEmpty)
      #expect(role.readiness.isSettled)
      let bridge = try Self.link("xenbr0", role)
      let nic = try Self.link("nic", role)
      #expect(bridge.isUp && nic.isUp)
      #expect(nic.bridgeIndex == bridge.index)
      #expect(bridge.address == nic.address)
      #expect(bridge.mtu == 4000 && nic.mtu == 4000)
      #expect(Files.text(of: LinkControl.ipv6Switch("xenbr0")) == "1")

      let service = role.prepare(leaf, nodes: nodes)
      #expect(service == InterfaceService(uplink: "tap:vif2.0", filter: "ip", unusable: nil))
      let tap = try Self.link("vif2.0", role)
      #expect(tap.kind == Link.tapKind)
      #expect(tap.bridgeIndex == bridge.index)
      #expect(tap.mtu == 4000)
      #expect(tap.address == .backendEnd)
      #expect(try Self.link("xenbr0", role).address == nic.address)

      // Another process for the same leaf finds the same device.
      #expect(role.prepare(leaf, nodes: nodes).unusable == nil)
      #expect(try Self.link("vif2.0", role).index == tap.index)
      #expect(
        role.summary.bridges["xenbr0"]
          == "\(bridge.address?.description ?? ""), mtu 4000, uplink nic, guests' interfaces 1")
      role.release(leaf)
      #expect(role.readLinks())
      #expect(role.links.allSatisfy { $0.name != "vif2.0" })
    }
  }

  @Test func nothingIsDoneTwice() throws {
    try NetworkNamespace.run {
      try NetworkNamespace.makeCable("nic", "switch")
      let role = try Self.role("bridge=xenbr0:nic")
      role.refresh(now: 0)
      #expect(role.drainEvents())
      role.refresh(now: 1)
      role.refresh(now: 2)
      #expect(!role.drainEvents(), "a look changes nothing, or looks would follow one another")
    }
  }

  @Test func uplinkThatComesLaterJoins() throws {
    try NetworkNamespace.run {
      let role = try Self.role("bridge=xenbr0:nic")
      role.refresh(now: 0)
      #expect(!role.readiness.isSettled)
      #expect(try Self.link("xenbr0", role).isUp, "guests can talk to each other meanwhile")
      role.refresh(now: 10_000)
      #expect(role.readiness.isSettled)
      #expect(role.problems == ["network interface nic: did not appear in time"])
      _ = role.drainEvents()
      try NetworkNamespace.makeCable("nic", "switch")
      #expect(role.drainEvents())
      role.refresh(now: 20_000)
      #expect(role.problems.isEmpty)
      #expect(try Self.link("nic", role).bridgeIndex == Self.link("xenbr0", role).index)
    }
  }

  @Test func directUplinkNeedsNoDevice() throws {
    try NetworkNamespace.run { [leaf] in
      try NetworkNamespace.makeCable("nic", "switch")
      let role = try Self.role("uplink=fast:packet:nic")
      role.refresh(now: 0)
      #expect(try Self.link("nic", role).isUp)
      let nodes = ["bridge": "fast", "mac": "00:16:3e:01:02:03"]
      #expect(role.prepare(leaf, nodes: nodes) == InterfaceService(uplink: "packet:nic"))
      #expect(role.links.allSatisfy { $0.name != "vif2.0" })
      #expect(role.summary.interfaces["nic"]?.hasSuffix("uplink of fast") == true)
    }
  }

  @Test func whatCannotBeServedSaysWhy() throws {
    try NetworkNamespace.run { [leaf, nodes] in
      let role = try Self.role("uplink=fast:packet:nic bridge=xenbr0:")
      role.refresh(now: 0)
      var bad = nodes
      bad["vlan"] = "5"
      #expect(role.prepare(leaf, nodes: bad).unusable?.contains("vlan=5") == true)
      bad = nodes
      bad["bridge"] = "fast"
      #expect(role.prepare(leaf, nodes: bad).unusable == "there is no network interface nic")
      bad["bridge"] = "lo"
      #expect(
        role.prepare(leaf, nodes: bad).unusable?.contains("lo is a network interface") == true)
    }
  }

  @Test func bridgesOnDemandAreOfProcessOneOnly() throws {
    try NetworkNamespace.run { [leaf] in
      let nodes = ["bridge": "other", "mac": "00:16:3e:01:02:03"]
      let daemon = try Self.role("", isProcessOne: false)
      #expect(
        daemon.prepare(leaf, nodes: nodes).unusable
          == "the bridge other does not exist in the driver domain")
      let role = try Self.role("mtu=other:2000 bridge=xenbr0:")
      role.refresh(now: 0)
      #expect(role.prepare(leaf, nodes: nodes).unusable == nil)
      #expect(try Self.link("other", role).isUp)
      #expect(try Self.link("vif2.0", role).mtu == 2000)
      for number in 0..<NetworkRole.bridgeCountMax {
        _ = role.prepare(leaf, nodes: ["bridge": "b\(number)", "mac": "00:16:3e:01:02:03"])
      }
      #expect(role.readLinks())
      #expect(role.links.count { $0.kind == Link.bridgeKind } == NetworkRole.bridgeCountMax)
    }
  }

  @Test func staleDevicesAreRemovedOnce() throws {
    try NetworkNamespace.run { [leaf] in
      let role = try Self.role("bridge=xenbr0:")
      try role.control.apply([.createTap("vif2.0"), .createTap("vif9.0"), .createTap("tap7")])
      role.removeStale(leaves: [leaf])
      #expect(role.readLinks())
      let names = Set(role.links.map(\.name))
      #expect(names.isSuperset(of: ["vif2.0", "tap7"]))
      #expect(!names.contains("vif9.0"))
    }
  }

  @Test func addressIsLentByDHCP() throws {
    try NetworkNamespace.run {
      try NetworkNamespace.makeCable("nic", "switch")
      let role = try Self.role("bridge=xenbr0:nic address=xenbr0:dhcp")
      try role.control.apply(.bringUp("switch"))
      role.refresh(now: 0)
      let deadline = MonotonicClock.milliseconds() + 10_000
      // The kernel tells of carriers a little later.
      while try !Self.link("xenbr0", role).hasCarrier, MonotonicClock.milliseconds() < deadline {}
      role.refresh(now: 0)
      #expect(role.takeNewDescriptors().count == 1)
      let address = try #require(try Self.link("xenbr0", role).address)
      let server = try DHCPSocket(interfaceIndex: try Self.link("switch", role).index)
      // The server of this test knows the transaction; on the wire it reads it from the request.
      let session = try #require(role.sessions["xenbr0"])
      #expect(session.client.state == .selecting)
      var request = DHCPMessage(
        transaction: session.client.transaction, hardwareAddress: address)
      for kind in [DHCPMessage.Kind.offer, .acknowledge] {
        request.transaction = session.client.transaction
        try server.sendAnswer(DHCPServer().reply(kind, to: request))
        role.receive(now: 10)
      }
      #expect(role.summary.addresses["xenbr0"] == "192.0.2.7/24 gateway 192.0.2.1 from 192.0.2.1")
      let routes = Files.text(of: "/proc/thread-self/net/route") ?? ""
      #expect(routes.contains("xenbr0\t00000000\t010200C0"), "\(routes)")
      role.timeReached(now: 10_000_000)
      role.timeReached(now: 10_000_000)
      #expect(role.summary.addresses["xenbr0"] == "dhcp: none yet")
      #expect(Files.text(of: "/proc/thread-self/net/route")?.contains("xenbr0") == false)
    }
  }

  @Test func fixedAddressIsSetOnce() throws {
    try NetworkNamespace.run {
      let role = try Self.role("bridge=xenbr0: address=xenbr0:192.0.2.7/24,192.0.2.1")
      role.refresh(now: 0)
      #expect(role.problems.isEmpty)
      #expect(role.summary.addresses["xenbr0"] == "192.0.2.7/24 gateway 192.0.2.1")
      let bad = try Self.role("bridge=xenbr0: address=xenbr0:192.0.2.8/24,198.51.100.1")
      bad.refresh(now: 0)
      #expect(bad.problems.count == 1)
      #expect(bad.summary.addresses["xenbr0"] == "192.0.2.8/24 not set")
    }
  }
}
