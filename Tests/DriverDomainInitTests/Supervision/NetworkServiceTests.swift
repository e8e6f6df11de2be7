import Glibc
import RingTransport
import SimulatedXen
import SystemPackage
import Testing

@testable import DriverDomainInit

/// The real program as a daemon in a network of its own, with a XenStore of ours, and a script in
/// the place of `net-backend`.
@Suite(.enabled(if: NetworkNamespace.isPossible), .timeLimit(.minutes(2)))
struct NetworkServiceTests {
  private let mac = "00:16:3e:01:02:03"

  @Test func interfaceLivesAndDies() throws {
    try NetworkNamespace.run { [mac] in
      try NetworkNamespace.makeCable("nic", "switch")
      let world = try InitDaemon(
        serving: .network,
        [
          "driver_domain.bridge=xenbr0:nic", "driver_domain.filter=not port 25",
          "driver_domain.queues=2",
        ])
      try world.control.apply(.createTap("vif9.0"))
      try world.until("ready") { try world.read("data/driver-domain/status") == "ready" }
      #expect(try world.read("data/driver-domain/interfaces/nic")?.contains("xenbr0") == true)

      try world.write("backend/vbd/2/51712/state", "1")
      try world.attachInterface(
        2, ["mac": mac, "bridge": "xenbr0", "script": "/etc/xen/scripts/vif-bridge"])
      try world.until("start") { world.calls.count == 1 }
      #expect(
        world.calls[0].hasSuffix(
          " --path backend/vif/2/0 --uplink tap:vif2.0 --filter not port 25 --queues 2 --log-level"
            + " info --status-descriptor 3 --queue-descriptor 4 --queue-descriptor 5"))
      let tap = try #require(try world.link("vif2.0"))
      #expect(tap.bridgeIndex == (try world.link("xenbr0")?.index))
      #expect(try world.link("vif9.0") == nil, "left by an earlier init")
      #expect(world.log.contains("not served"), "nobody here serves disks")

      // A backend that dies is replaced, on the same device.
      try SystemCall.signal(try world.process(0), SIGKILL)
      try world.until("second start") { world.calls.count == 2 }
      #expect(try world.link("vif2.0")?.index == tap.index)

      try world.write("backend/vif/2", nil)
      try SystemCall.signal(try world.process(1), SIGTERM)
      try world.until("removal") { try world.link("vif2.0") == nil }
      #expect(world.calls.count == 2)
      #expect(try world.end() == .exited(code: 0))
    }
  }

  @Test func interfaceThatCannotBeServedIsToldToItsBackend() throws {
    try NetworkNamespace.run { [mac] in
      let world = try InitDaemon(serving: .network, ["driver_domain.bridge=xenbr0:"])
      try world.attachInterface(2, ["mac": mac, "bridge": "xenbr0", "vlan": "7"])
      try world.attachInterface(3, ["mac": mac, "bridge": "elsewhere"])
      try world.until("starts") { world.calls.count == 2 }
      let calls = world.calls.sorted { $0.drop { $0 != " " } < $1.drop { $0 != " " } }
      #expect(calls[0].contains("--unusable vlan=7 is not supported"))
      #expect(calls[1].contains("--unusable the bridge elsewhere does not exist"))
      #expect(try world.link("vif2.0") == nil)
      #expect(try world.end() == .exited(code: 0))
    }
  }

  @Test func captureFollowsItsNode() throws {
    try NetworkNamespace.run { [mac] in
      let world = try InitDaemon(serving: .network, ["driver_domain.bridge=xenbr0:"])
      try world.attachInterface(2, ["mac": mac, "bridge": "xenbr0"])
      try world.until("start") { world.calls.count == 1 }
      let file = world.directory.path + "/capture"
      try world.write("data/driver-domain/capture/vif2-0", "\(file) 5")
      try world.until("capture") { world.calls.count == 2 }
      #expect(
        world.calls[1].hasSuffix(" capture --interface vif2.0 --file \(file) --limit-mib 5"))
      try world.until("result") {
        try world.read("data/driver-domain/captured/vif2-0") == "running: \(file)"
      }
      try world.directory.write("four", to: "capture")
      try world.write("data/driver-domain/capture/vif2-0", nil)
      try world.until("end") {
        try world.read("data/driver-domain/captured/vif2-0") == "finished: \(file), 4 bytes"
      }
      // The file is there now, and stays as it is.
      try world.write("data/driver-domain/capture/vif2-0", "\(file) 5")
      try world.until("refusal") {
        try world.read("data/driver-domain/captured/vif2-0") == "failed: \(file) exists already"
      }
      #expect(try world.end() == .exited(code: 0))
    }
  }
}
