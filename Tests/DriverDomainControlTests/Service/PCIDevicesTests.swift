import Foundation
import RingTransport
import SimulatedXen
import Testing

@testable import DriverDomainControl

@Suite struct PCIDevicesTests {
  /// Linux removes what the bus's list leads to when the driver has let go, some time after the
  /// nodes are gone.
  @Test func waitsUntilLinuxHasLetGo() async throws {
    let directory = NSTemporaryDirectory() + "/pci-\(UUID().uuidString)"
    defer { try? FileManager.default.removeItem(atPath: directory) }
    let bus = "\(directory)/bus/xen-backend/devices"
    let device = "\(directory)/devices/pci-30001-0"
    for path in [bus, device] {
      try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }
    try FileManager.default.createSymbolicLink(
      atPath: "\(bus)/pci-30001-0", withDestinationPath: device)
    let world = RestartWorld()
    #expect(world.create())
    var store = Store(world.store.connect(as: .dom0))
    let devices = PCIDevices(driverDomain: RestartWorld.driverDomain, sysfs: directory)
    let remover = Thread { [device] in
      Thread.sleep(forTimeInterval: 0.2)
      try? FileManager.default.removeItem(atPath: device)
    }
    let start = MonotonicClock.milliseconds()
    remover.start()
    #expect(try devices.release(in: &store))
    #expect(MonotonicClock.milliseconds() - start >= 190)
    #expect(!FileManager.default.fileExists(atPath: device))
    #expect(!world.store.tree().contains { $0.contains("pci/30001") })
  }

  @Test func aDomainWithoutDevicesIsQuick() throws {
    let world = RestartWorld()
    var store = Store(world.store.connect(as: .dom0))
    let devices = PCIDevices(driverDomain: RestartWorld.driverDomain, sysfs: "/nowhere")
    #expect(try devices.release(in: &store))
  }
}
