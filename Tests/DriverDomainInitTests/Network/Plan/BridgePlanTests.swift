import Testing

@testable import DriverDomainInit

@Suite struct BridgePlanTests {
  private let nicAddress = HardwareAddress([0, 0x16, 0x3E, 0, 0, 1])

  private func nic(_ index: Int32, _ name: String) -> Link {
    Link(index: index, name: name, address: HardwareAddress([0, 0x16, 0x3E, 0, 0, UInt8(index)]))
  }

  private func plan(
    _ words: String, _ links: [Link], choosesUplink: Bool = true
  ) -> BridgePlan {
    let options = words.split(separator: " ").map { "driver_domain.\($0)" }
    let (configuration, problems) = Configuration.parse(options.joined(separator: " "))
    #expect(problems.isEmpty)
    return BridgePlan(configuration.network, links: links, choosesUplink: choosesUplink)
  }

  @Test func firstNICBecomesTheUplinkOfTheDefaultBridge() {
    let loopback = Link(index: 1, name: "lo", isEthernet: false)
    let plan = plan("", [loopback, nic(3, "eth10"), nic(2, "eth2")])
    #expect(plan.bridges.map(\.wanted.name) == ["xenbr0"])
    #expect(
      plan.bridges.first?.changes == [
        .createBridge("xenbr0"), .setIPv6("xenbr0", isOn: false),
        .setIPv6("eth2", isOn: false), .attach("eth2", bridge: "xenbr0"), .bringUp("eth2"),
        .setAddress("xenbr0", HardwareAddress([0, 0x16, 0x3E, 0, 0, 2]) ?? .broadcast),
        .setMTU("xenbr0", 1500), .bringUp("xenbr0"),
      ])
  }

  @Test func chosenUplinkStays() {
    let bridge = Link(index: 9, name: "xenbr0", isUp: true, kind: "bridge")
    var second = nic(3, "eth1")
    second.bridgeIndex = 9
    let plan = plan("", [nic(2, "eth0"), second, bridge])
    #expect(plan.bridges.first?.wanted.uplinks.map(\.name) == ["eth1"])
  }

  @Test func fullDistributionKeepsItsNICs() {
    #expect(plan("", [nic(2, "eth0")], choosesUplink: false).bridges.isEmpty)
    let named = plan("bridge=xenbr0:eth0", [nic(2, "eth0")], choosesUplink: false)
    #expect(named.bridges.count == 1)
  }

  @Test func virtualAndDirectInterfacesAreNotChosen() {
    var tap = nic(2, "eth0")
    tap.kind = "tun"
    let plan = plan("uplink=fast:packet:eth1", [tap, nic(3, "eth1")])
    #expect(plan.bridges.isEmpty)
    #expect(plan.directUplinks.map(\.interface) == ["eth1"])
    #expect(
      plan.directUplinks.first?.changes == [.setIPv6("eth1", isOn: false), .bringUp("eth1")])
  }

  @Test func whatIsAsWantedStays() throws {
    let address = try #require(nicAddress)
    var uplink = nic(1, "eth0")
    uplink.isUp = true
    uplink.bridgeIndex = 9
    let bridge = Link(index: 9, name: "xenbr0", isUp: true, address: address, kind: "bridge")
    #expect(plan("", [uplink, bridge]).bridges.first?.changes == [])
  }

  @Test func configuredMTUIsSetOnUplinksFirst() {
    let plan = plan("bridge=b:eth0,eth1 mtu=b:9000", [nic(1, "eth0"), nic(2, "eth1")])
    let mtus = plan.bridges.first?.changes.filter { change in
      if case .setMTU = change { true } else { false }
    }
    #expect(mtus == [.setMTU("eth0", 9000), .setMTU("eth1", 9000), .setMTU("b", 9000)])
  }

  @Test func bridgeFollowsItsUplinksMTU() throws {
    var uplink = nic(1, "eth0")
    uplink.mtu = 9000
    uplink.isUp = true
    uplink.bridgeIndex = 9
    let bridge = Link(
      index: 9, name: "b", isUp: true, mtu: 1400, address: uplink.address, kind: "bridge")
    #expect(plan("bridge=b:eth0", [uplink, bridge]).bridges.first?.changes == [.setMTU("b", 9000)])
  }

  @Test func uplinkByAddressIsTheNICAndNotItsBridge() {
    let bridge = Link(index: 9, name: "b", address: nicAddress, kind: "bridge")
    let plan = plan("bridge=b:00:16:3e:00:00:01", [bridge, nic(1, "eth7")])
    #expect(plan.bridges.first?.wanted.uplinks.map(\.name) == ["eth7"])
  }

  @Test func bridgeWithoutUplinkComesToo() {
    #expect(
      plan("bridge=inside:", []).bridges.first?.changes == [
        .createBridge("inside"), .setIPv6("inside", isOn: false), .bringUp("inside"),
      ])
    let plan = plan("bridge=b: address=b:[2001:db8::7]/64", [])
    #expect(plan.bridges.first?.changes.contains(.setIPv6("b", isOn: true)) == true)
  }

  /// Whatever is there, carrying the plan out leaves nothing to plan.
  @Test func planLeadsToItsEnd() {
    var generator = SeededGenerator(seed: SeededGenerator.seed(for: "bridge plan"))
    for _ in 0..<500 {
      var links = (1...4).map { nic($0, "eth\($0)") }
      for index in links.indices {
        links[index].isUp = Bool.random(using: &generator)
        links[index].mtu = [1400, 1500, 9000].randomElement(using: &generator) ?? 1500
      }
      links.removeAll { _ in Int.random(in: 0..<4, using: &generator) == 0 }
      links.shuffle(using: &generator)
      let words = ["", "bridge=a:eth1,eth2 bridge=b:eth3 mtu=a:9000", "bridge=xenbr0:eth9"]
      let option = words.randomElement(using: &generator) ?? ""
      for _ in 0..<2 {
        for change in plan(option, links).bridges.flatMap(\.changes) { apply(change, to: &links) }
      }
      #expect(plan(option, links).bridges.allSatisfy { $0.changes.isEmpty }, "\(links)")
    }
  }

  private func apply(_ change: LinkChange, to links: inout [Link]) {
    if case .createBridge(let name) = change {
      links.append(Link(index: Int32(100 + links.count), name: name, kind: "bridge"))
    }
    guard let index = links.firstIndex(where: { $0.name == change.link }) else {
      Issue.record("\(change) of a link that is not there")
      return
    }
    switch change {
    case .setMTU(_, let mtu): links[index].mtu = mtu
    case .setAddress(_, let address): links[index].address = address
    case .attach(_, let bridge):
      links[index].bridgeIndex = links.first { $0.name == bridge }?.index ?? 0
    case .bringUp: links[index].isUp = true
    case .createBridge, .createTap, .remove, .setTransmitQueueLength, .setIPv6: break
    }
  }
}
