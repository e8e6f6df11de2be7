import RingTransport
import Testing

@testable import DriverDomainInit

@Suite struct InterfacePlanTests {
  private let leaf = BackendLeaf(
    kind: .virtualInterface, frontendDomain: DomainIdentifier(rawValue: 2), device: 0)
  private let nodes = [
    "bridge": "xenbr1", "mac": "00:16:3e:01:02:03", "script": "/etc/xen/scripts/vif-bridge",
    "mtu": "1400", "vlan": "", "gatewaydev": "",
  ]

  @Test func leafOfLibxlIsRead() throws {
    let plan = try InterfacePlan(leaf, nodes: nodes)
    #expect(plan.bridge == "xenbr1")
    #expect(plan.address.description == "00:16:3e:01:02:03")
    #expect(plan.mtu == 1400)
    let bare = try InterfacePlan(leaf, nodes: ["mac": "00:16:3e:01:02:03"])
    #expect(bare.bridge == "xenbr0")
    #expect(bare.mtu == nil)
  }

  @Test(arguments: [
    ("vlan", "5"), ("gatewaydev", "eth0"), ("forwarddev", "eth1"),
    ("script", "/etc/xen/scripts/vif-route"),
  ])
  func whatCannotBeDoneIsRefused(key: String, value: String) {
    var nodes = nodes
    nodes[key] = value
    #expect(throws: InterfaceRefusal.unsupported(key: key, value: value)) {
      try InterfacePlan(leaf, nodes: nodes)
    }
  }

  @Test(arguments: [
    ("bridge", "a/b"), ("bridge", "vif3.0"), ("bridge", "sixteen-letters-"), ("mac", ""),
    ("mac", "junk"), ("mtu", "0"), ("mtu", "65522"), ("mtu", "x"),
  ])
  func nonsenseIsRefused(key: String, value: String) {
    var nodes = nodes
    nodes[key] = value
    #expect(throws: InterfaceRefusal.noValue(key: key, value: value)) {
      try InterfacePlan(leaf, nodes: nodes)
    }
  }

  @Test func changesMakeTheBackendsEnd() throws {
    var plan = try InterfacePlan(leaf, nodes: nodes)
    let bridge = Link(index: 5, name: "xenbr1", isUp: true, mtu: 9000, kind: "bridge")
    let changes = plan.changes(tap: "vif2.0", bridge: bridge, configuredMTU: nil)
    #expect(
      changes == [
        .createTap("vif2.0"), .setIPv6("vif2.0", isOn: false), .setAddress("vif2.0", .backendEnd),
        .setTransmitQueueLength("vif2.0", 128), .setMTU("vif2.0", 1400),
        .attach("vif2.0", bridge: "xenbr1"), .bringUp("vif2.0"),
      ])
    plan.mtu = nil
    #expect(
      plan.changes(tap: "vif2.0", bridge: bridge, configuredMTU: nil)
        .contains(.setMTU("vif2.0", 9000)))
  }

  @Test func missingBridgeIsMadeFirst() throws {
    let plan = try InterfacePlan(leaf, nodes: nodes)
    let changes = plan.changes(tap: "vif2.0", bridge: nil, configuredMTU: 2000)
    #expect(
      changes.prefix(4) == [
        .createBridge("xenbr1"), .setIPv6("xenbr1", isOn: false), .bringUp("xenbr1"),
        .setMTU("xenbr1", 2000),
      ])
    #expect(changes.last == .bringUp("vif2.0"))
  }

  @Test func onlyOurTAPsOfNobodyAreStale() {
    let links = [
      Link(index: 1, name: "vif2.0", kind: "tun"), Link(index: 2, name: "vif3.0", kind: "tun"),
      Link(index: 3, name: "vif4.0", kind: "vif"), Link(index: 4, name: "tap0", kind: "tun"),
    ]
    #expect(InterfacePlan.stale(links, leaves: [leaf]) == [.remove("vif3.0")])
  }
}
