import RingTransport
import SimulatedXen
import Testing

@testable import DriverDomainControl

/// What `ddctl top` and `ddctl metrics` make of a driver domain's words.
@Suite struct StatisticsTests {
  /// A disk's sums: 10 reads, 20 writes, 3 flushes, 1 MiB read, 2 MiB written, 1 error, 50 ms.
  static let disk = "10 20 3 0 0 1048576 2097152 1 40 50000000 0 0 0 0 0 0"
  static let interface = "100 5000 0 200 9000 0 1 2 3 0 0 0 4 0 0 0"

  private func device(
    _ name: String = "vbd-2-51712", _ value: String = disk, restarts: String? = "restarts 7"
  ) -> DeviceStatistics? {
    DeviceStatistics(name: name, value: value, restarts: restarts)
  }

  @Test func wordsAreWhatBackendsSay() throws {
    let disk = try #require(device())
    #expect(disk.totalCount == 33)
    #expect(disk.bytesRead == 1_048_576)
    #expect(disk.bytesWritten == 2_097_152)
    #expect(disk.failureCount == 1)
    #expect(disk.restarts == 7)
    let interface = try #require(device("vif-3-0", Self.interface, restarts: nil))
    #expect(interface.totalCount == 300)
    #expect(interface.bytesRead == 9000)
    #expect(interface.bytesWritten == 5000)
    #expect(interface.failureCount == 10)
    #expect(interface.requestNanoseconds == 0)
  }

  @Test(arguments: [
    ("vbd-2", disk), ("usb-2-0", disk), ("vbd-2-51712\"} 1", disk), ("vbd-2-51712", ""),
    ("vbd-2-51712", "1 2 3"), ("vbd-2-51712", "-1 20 3 0 0 0 0 1 40 5 0 0 0 0 0 0"),
    ("vbd-2-51712", disk + " 1"),
  ])
  func nonsenseIsLeftOut(name: String, value: String) {
    #expect(device(name, value) == nil)
  }

  @Test func ratesAreOfTheTimeBetween() throws {
    let before = TopTable.Sample(name: "disk", time: 0, devices: [try #require(device())])
    let later = "20 30 3 0 0 3145728 2097152 1 40 2050000000 0 0 0 0 0 0"
    let after = TopTable.Sample(
      name: "disk", time: 2_000_000_000, devices: [try #require(device("vbd-2-51712", later))])
    #expect(
      TopTable.rows(from: before, to: after) == [
        ["disk", "vbd 2/51712", "10", "1.0 MiB", "0 B", "100.00 ms", "1.0", "1", "7"]
      ])
    // A new life of the domain counts from nothing.
    let reborn = TopTable.rows(
      from: TopTable.Sample(name: "disk", time: 0, devices: after.devices),
      to: TopTable.Sample(name: "disk", time: 1_000_000_000, devices: before.devices))
    #expect(reborn[0][2] == "33")
  }

  @Test func numbersOfAllSizesHaveARow() {
    let huge = Array(repeating: String(UInt64.max), count: 16).joined(separator: " ")
    for name in ["vbd-2-0", "vif-2-0"] {
      guard let device = device(name, huge) else {
        Issue.record("no device")
        continue
      }
      let none = TopTable.Sample(name: "disk", time: 5, devices: [])
      let some = TopTable.Sample(name: "disk", time: 5, devices: [device])
      #expect(TopTable.rows(from: none, to: some)[0].count == TopTable.header.count)
    }
  }

  @Test func metricsAreOneFamilyAfterTheOther() throws {
    let text = MetricsText.text([
      .init(name: "disk", restarts: 2, devices: [try #require(device())]),
      .init(name: "network", restarts: 0, devices: nil),
    ])
    let lines = text.split(separator: "\n").map(String.init)
    #expect(lines.contains("driver_domain_up{domain=\"disk\"} 1"))
    #expect(lines.contains("driver_domain_up{domain=\"network\"} 0"))
    #expect(lines.contains("driver_domain_restarts_total{domain=\"disk\"} 2"))
    let labels = "{domain=\"disk\",kind=\"vbd\",guest=\"2\",device=\"51712\"}"
    #expect(lines.contains("driver_domain_device_requests_total\(labels) 33"))
    #expect(lines.contains("driver_domain_device_request_seconds_total\(labels) 0.05"))
    // Each family has its type once, before its values.
    for name in Set(
      lines.filter { !$0.hasPrefix("#") }.compactMap { $0.split(separator: "{").first })
    {
      #expect(lines.count { $0.hasPrefix("# TYPE \(name) ") } == 1, "\(name)")
    }
  }

  @Test func aDomainIsAskedAndAnswers() throws {
    let world = RestartWorld()
    #expect(world.create())
    let node = world.directory.appending("data/driver-domain")
    var store = Store(world.store.connect(as: .dom0))
    #expect(try store.statistics(of: RestartWorld.driverDomain, question: "q1") == nil)
    world.store.write(node.appending("status"), "ready", as: RestartWorld.driverDomain)
    world.store.observe(node.appending("report")) { [world] _ in
      guard let question = world.store.read(node.appending("report")) else { return }
      world.store.write(
        node.appending("statistics/vbd-2-51712"), Self.disk, as: RestartWorld.driverDomain)
      world.store.write(node.appending("reported"), question, as: RestartWorld.driverDomain)
    }
    let devices = try store.statistics(of: RestartWorld.driverDomain, question: "q2")
    #expect(devices == [device(restarts: nil)].compactMap { $0 })
  }
}
