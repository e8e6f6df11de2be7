import CLinux
import Glibc
import RingTransport
import SystemPackage
import Testing

@testable import DriverDomainInit

/// Real links, in a network of their own.
@Suite(.enabled(if: NetworkNamespace.isPossible)) struct LinkControlTests {
  @Test func bridgeForwardsAtOnce() throws {
    try NetworkNamespace.run {
      var control = try LinkControl()
      try NetworkNamespace.makeCable("a0", "a1")
      try NetworkNamespace.makeCable("b0", "b1")
      try control.apply([
        .createBridge("br0"), .attach("a0", bridge: "br0"), .attach("b0", bridge: "br0"),
        .bringUp("br0"), .bringUp("a0"), .bringUp("b0"), .bringUp("a1"), .bringUp("b1"),
      ])
      var links: [Link] = []
      // The kernel tells of carriers a little later.
      let deadline = MonotonicClock.milliseconds() + 10_000
      repeat {
        links = try control.links()
      } while links.filter(\.hasCarrier).count < 5 && MonotonicClock.milliseconds() < deadline
      let bridge = try #require(links.first { $0.name == "br0" })
      #expect(bridge.kind == "bridge")
      #expect(bridge.hasCarrier)
      #expect(links.filter { $0.bridgeIndex == bridge.index }.map(\.name).sorted() == ["a0", "b0"])
      // A bridge that listens and learns first takes 30 s. The ports learn of their carriers a
      // moment after the links tell of them, so one frame is not enough.
      let (one, other) = try (link("a1", links), link("b1", links))
      let receiver = try DHCPSocket(interfaceIndex: other.index)
      let sender = try DHCPSocket(interfaceIndex: one.index)
      var received = try receiver.receive()
      while received == nil, MonotonicClock.milliseconds() < deadline {
        try sender.send(toClient: .broadcast)
        usleep(10_000)
        received = try receiver.receive()
      }
      #expect(received != nil, "the bridge forwards nothing")
    }
  }

  private func link(_ name: String, _ links: [Link]) throws -> Link {
    try #require(links.first { $0.name == name })
  }

  @Test func linkTakesEveryChange() throws {
    try NetworkNamespace.run {
      var control = try LinkControl()
      try control.apply([
        .createTap("vif2.0"), .setMTU("vif2.0", 9000), .setAddress("vif2.0", .backendEnd),
        .setTransmitQueueLength("vif2.0", 128), .setIPv6("vif2.0", isOn: false),
        .bringUp("vif2.0"),
      ])
      let link = try self.link("vif2.0", try control.links())
      #expect(link.kind == Link.tapKind)
      #expect(link.mtu == 9000)
      #expect(link.address == .backendEnd)
      #expect(link.transmitQueueLength == 128)
      #expect(link.isUp)
      #expect(link.hasCarrier, "a bridge must not forget who is behind it between two backends")
      #expect(Files.text(of: LinkControl.ipv6Switch("vif2.0")) == "1")
      try control.apply(.remove("vif2.0"))
      #expect(try control.links().allSatisfy { $0.name != "vif2.0" })
    }
  }

  @Test func cardsHaveASpeed() throws {
    try NetworkNamespace.run {
      var control = try LinkControl()
      try NetworkNamespace.makeCable("a0", "a1")
      try control.apply([.bringUp("a0"), .bringUp("a1")])
      // What Linux says of a cable between two networks (veth).
      #expect(control.speedMegabits(of: "a0") == 10_000)
      #expect(control.speedMegabits(of: "lo") == nil)
      #expect(control.speedMegabits(of: "nothing") == nil)
    }
  }

  @Test func tapIsKeptAndOneOfAnotherKindGivesWay() throws {
    try NetworkNamespace.run {
      var control = try LinkControl()
      try control.apply(.createTap("vif2.0"))
      let first = try self.link("vif2.0", try control.links())
      try control.apply(.createTap("vif2.0"))
      #expect(try self.link("vif2.0", try control.links()).index == first.index)
      try control.apply(.createBridge("vif3.0"))
      #expect(
        throws: NetworkError.wrongKind("vif3.0", kind: "bridge", wanted: "TAP device")
      ) { try control.apply(.createTap("vif3.0")) }
    }
  }

  /// The TAP fills the first queue only, until a backend serves the others.
  @Test func queuesOfATapAreHeld() throws {
    try NetworkNamespace.run {
      var control = try LinkControl(queueCount: 3)
      try control.apply(.createTap("vif2.0"))
      let queues = control.heldQueues(of: "vif2.0")
      // The kernel attaches no queue twice.
      #expect(queues.map { c_tap_set_attached($0.descriptor, 1) == 0 } == [false, true, true])
      try control.apply(.remove("vif2.0"))
      #expect(control.heldQueues(of: "vif2.0").isEmpty)
    }
  }

  @Test func refusalSaysWhatAndWhy() throws {
    try NetworkNamespace.run {
      var control = try LinkControl()
      #expect(throws: NetworkError.noLink("eth9")) { try control.apply(.bringUp("eth9")) }
      try control.apply(.createBridge("br0"))
      #expect(
        throws: NetworkError.refused("create the bridge br0", .fileExists, detail: "")
      ) { try control.apply(.createBridge("br0")) }
      do throws(NetworkError) {
        try control.apply(.setMTU("br0", 1))
        Issue.record("an MTU of one byte")
      } catch {
        // The kernel's own words come along.
        #expect("\(error)".contains("mtu less than device minimum"), "\(error)")
      }
    }
  }

  @Test func addressesAndGatewaysComeAndGo() throws {
    try NetworkNamespace.run {
      var control = try LinkControl()
      try control.apply([.createBridge("br0"), .bringUp("br0")])
      let address = try #require(InterfaceAddress("192.0.2.7/24"))
      let gateway = try #require(InternetAddress("192.0.2.1"))
      try control.addAddress(address, gateway: gateway, to: "br0")
      // Once more is no error.
      try control.addAddress(address, gateway: gateway, to: "br0")
      let routes = Files.text(of: "/proc/thread-self/net/route") ?? ""
      #expect(routes.contains("br0\t00000000\t010200C0"), "\(routes)")
      try control.removeAddress(address, gateway: gateway, of: "br0")
      #expect(Files.text(of: "/proc/thread-self/net/route")?.contains("br0") == false)
      let outside = try #require(InternetAddress("198.51.100.1"))
      #expect(throws: NetworkError.self) {
        try control.addAddress(address, gateway: outside, to: "br0")
      }
      try control.apply(.setIPv6("br0", isOn: true))
      let six = try #require(InterfaceAddress("[2001:db8::7]/64"))
      try control.addAddress(six, gateway: InternetAddress("2001:db8::1"), to: "br0")
      #expect(
        Files.text(of: "/proc/thread-self/net/if_inet6")?
          .contains("20010db8000000000000000000000007") == true)
    }
  }

  @Test func eventsTellOfChanges() throws {
    try NetworkNamespace.run {
      var control = try LinkControl()
      var events = try LinkEvents()
      let before = events.drain()
      try control.apply(.createBridge("br0"))
      let after = events.drain()
      let later = events.drain()
      #expect([before, after, later] == [false, true, false])
    }
  }
}
