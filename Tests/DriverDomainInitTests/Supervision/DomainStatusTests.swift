import RingTransport
import Testing

@testable import DriverDomainInit

@Suite struct DomainStatusTests {
  private func device(_ name: String, serial: String? = nil) -> BlockDevice {
    BlockDevice(name: name, byteCount: 1 << 20, serial: serial)
  }

  @Test func firstWriteIsEverything() {
    #expect(
      DomainStatus().operations(after: [:]) == [
        .write("data/driver-domain/error", ""),
        .write("data/driver-domain/status", "starting"),
        .write("data/driver-domain/version", SuiteVersion.current),
      ])
  }

  @Test func onlyChangesAreWritten() {
    var status = DomainStatus()
    status.devices = [device("vda", serial: "s 1"), device("vdb")]
    let published = status.nodes
    #expect(status.operations(after: published).isEmpty)
    status.state = .ready
    status.devices.removeLast()
    #expect(
      status.operations(after: published) == [
        .remove("data/driver-domain/targets/vdb"), .write("data/driver-domain/status", "ready"),
      ])
    #expect(
      published["data/driver-domain/targets/vda"]
        == #"1048576 bytes /dev/vda /dev/disk/by-serial/s\x201"#)
  }

  @Test func linksThatAreNotMadeAreNotAnnounced() {
    var status = DomainStatus()
    status.devices = [device("vda", serial: "same"), device("vdb", serial: "same")]
    #expect(status.nodes["data/driver-domain/targets/vda"] == "1048576 bytes /dev/vda")
    status.devices.removeLast()
    status.announcesLinks = false
    #expect(status.nodes["data/driver-domain/targets/vda"] == "1048576 bytes /dev/vda")
  }

  @Test func networkHasItsNodes() {
    var status = DomainStatus()
    status.network = NetworkSummary(
      interfaces: ["eth0": "up", "eth0.5": "down"], bridges: ["xenbr0": "b"],
      addresses: ["xenbr0": "a"])
    status.captured = [("vif2-0", "running: /v/a")]
    let nodes = status.nodes
    #expect(nodes["data/driver-domain/interfaces/eth0"] == "up")
    #expect(nodes["data/driver-domain/interfaces/eth0-5"] == "down")
    #expect(nodes["data/driver-domain/bridges/xenbr0"] == "b")
    #expect(nodes["data/driver-domain/address/xenbr0"] == "a")
    #expect(nodes["data/driver-domain/captured/vif2-0"] == "running: /v/a")
    let many = Dictionary(uniqueKeysWithValues: (0..<100).map { ("br\($0)", "") })
    status.network = NetworkSummary(bridges: many)
    #expect(status.nodes.count == 4 + DomainStatus.networkNodeCountMax)
    #expect(status.nodes["data/driver-domain/bridges/br31"] != nil)
  }

  @Test func restartsAndUpdatesHaveTheirNodes() {
    var status = DomainStatus()
    status.restarts = [SupervisorTests.leaf(51712): 3]
    status.updated = [.block: "done: /v/b, 1 devices"]
    #expect(status.nodes["data/driver-domain/devices/vbd-2-51712"] == "restarts 3")
    #expect(status.nodes["data/driver-domain/updated/block-backend"] == "done: /v/b, 1 devices")
    for device in 0..<100 { status.restarts[SupervisorTests.leaf(UInt32(device))] = 1 }
    #expect(status.nodes.count == 4 + DomainStatus.restartNodeCountMax)
  }

  @Test func nodesAreBounded() {
    var status = DomainStatus()
    status.errors = Array(repeating: "too long a text", count: 1000)
    status.devices = (0..<200).map { device("vd\($0)") } + [device("cciss!c0d0")]
    #expect(status.nodes.count == 3 + DomainStatus.targetCountMax)
    #expect(status.nodes.values.allSatisfy { $0.utf8.count <= DomainStatus.valueByteCountMax })
    status.devices = [device("cciss!c0d0")]
    #expect(status.nodes.count == 3)
  }
}
