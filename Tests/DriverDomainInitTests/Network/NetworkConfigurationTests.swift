import Logging
import Testing

@testable import DriverDomainInit

@Suite struct NetworkConfigurationTests {
  @Test func readsEveryOption() throws {
    let (configuration, problems) = Configuration.parse(
      """
      driver_domain.bridge=xenbr0:eth0,00:16:3e:00:00:01 driver_domain.bridge=inside: \
      driver_domain.mtu=xenbr0:9000 driver_domain.uplink=fast:packet:eth2 \
      driver_domain.uplink=slow:pcap:eth3 driver_domain.address=xenbr0:dhcp \
      driver_domain.address=xenbr0:[2001:db8::7]/64,[2001:db8::1] \
      driver_domain.address=inside:192.0.2.7/24 \
      driver_domain.filter="not port 25" driver_domain.filter.00-16-3E-00-00-02=ip
      """)
    #expect(problems.isEmpty)
    let network = configuration.network
    let nic = try #require(HardwareAddress("00:16:3e:00:00:01"))
    #expect(
      network.bridges == [
        .init(name: "xenbr0", uplinks: [.name("eth0"), .address(nic)]),
        .init(name: "inside", uplinks: []),
      ])
    #expect(network.mtus == ["xenbr0": 9000])
    #expect(
      network.directUplinks == [
        "fast": .init(method: .packet, interface: "eth2"),
        "slow": .init(method: .pcap, interface: "eth3"),
      ])
    let inside = try #require(InterfaceAddress("192.0.2.7/24"))
    let outside = try #require(InterfaceAddress("[2001:db8::7]/64"))
    #expect(
      network.addresses == [
        .init(bridge: "xenbr0", source: .dhcp),
        .init(
          bridge: "xenbr0", source: .fixed(outside, gateway: InternetAddress("2001:db8::1"))),
        .init(bridge: "inside", source: .fixed(inside, gateway: nil)),
      ])
    #expect(network.usesIPv6(on: "xenbr0"))
    #expect(!network.usesIPv6(on: "inside"))
    #expect(network.filter(for: nic) == "not port 25")
    let guest = try #require(HardwareAddress("00:16:3e:00:00:02"))
    #expect(network.filter(for: guest) == "ip")
  }

  @Test(arguments: [
    "bridge=", "bridge=x", "bridge=:eth0", "bridge=vif1.0:eth0", "bridge=a/b:eth0",
    "bridge=x:eth0:1", "bridge=x:a/b", "bridge=xenbr0:eth1", "bridge=x:eth0", "bridge=x:eth1,eth1",
    "bridge=sixteen-letters-:eth1", "mtu=x", "mtu=x:575", "mtu=x:65522", "mtu=x:big",
    "uplink=x:eth1", "uplink=x:tap:eth1", "uplink=x:packet:", "uplink=xenbr0:packet:eth1",
    "address=x", "address=x:", "address=x:192.0.2.7", "address=x:192.0.2.7/24,",
    "address=x:192.0.2.7/24,[::1]", "address=x:192.0.2.7/24,192.0.2.1,192.0.2.2",
    "address=x:2001:db8::7", "filter=", "filter", "filter.=ip", "filter.00-16=ip",
    "filter.00-16-3e-00-00-01=",
  ])
  func badWordIsReportedAndTheRestCounts(word: String) {
    let (configuration, problems) = Configuration.parse(
      "driver_domain.bridge=xenbr0:eth0 driver_domain.\(word) driver_domain.log=debug")
    #expect(problems.count == 1)
    var expected = NetworkConfiguration()
    expected.bridges = [.init(name: "xenbr0", uplinks: [.name("eth0")])]
    #expect(configuration.network == expected)
    #expect(configuration.logLevel == .debug)
  }

  @Test func dhcpIsGivenOnce() {
    let (configuration, problems) = Configuration.parse(
      "driver_domain.address=x:dhcp driver_domain.address=x:dhcp")
    #expect(problems.count == 1)
    #expect(configuration.network.addresses.count == 1)
  }

  @Test func listsAreBounded() {
    let words = (0..<40).flatMap { number in
      [
        "bridge=b\(number):", "mtu=b\(number):1500", "uplink=d\(number):packet:e\(number)",
        "address=b\(number):dhcp", "filter.00-00-00-00-00-\(number + 10)=ip",
      ]
    }
    let line = words.map { "driver_domain.\($0)" }.joined(separator: " ")
    let network = Configuration.parse(line).configuration.network
    let counts = [
      network.bridges.count, network.mtus.count, network.directUplinks.count,
      network.addresses.count, network.filters.count,
    ]
    #expect(counts == Array(repeating: Configuration.entryCountMax, count: 5))
  }

  @Test func anyTextParsesWithoutACrash() {
    var generator = SeededGenerator(seed: SeededGenerator.seed(for: "network configuration"))
    let pieces = [
      "bridge=", "uplink=", "address=", "mtu=", "filter", "filter.", ":", ",", "/", "[", "]",
      "eth0",
      "dhcp", "packet", "192.0.2.7", "2001:db8::7", "24", "00:16:3e:00:00:01", "é", "\"", "x", "-",
    ]
    for _ in 0..<5000 {
      let count = Int.random(in: 0...8, using: &generator)
      let line = (0..<count).compactMap { _ in pieces.randomElement(using: &generator) }.joined()
      let network = Configuration.parse("driver_domain." + line).configuration.network
      #expect(network.bridges.allSatisfy { InterfaceName.isValid($0.name) })
      #expect(network.directUplinks.values.allSatisfy { InterfaceName.isValid($0.interface) })
    }
  }
}
