import SystemPackage
import Testing

@testable import DriverDomainInit

@Suite struct StorageReadinessTests {
  private func configuration(_ line: String) -> Configuration {
    Configuration.parse(line).configuration
  }

  @Test func nothingToWaitForIsSettledAtOnce() {
    var storage = StorageReadiness(Configuration(), now: 0)
    storage.update(now: 0, exists: { _ in false }, mount: { _ in })
    #expect(storage.isSettled)
    #expect(storage.nextDeadline == nil)
    #expect(storage.problems.isEmpty)
  }

  @Test func waitsForDevicesAndMountsInOrder() {
    var storage = StorageReadiness(
      configuration(
        """
        driver_domain.wait=/dev/a driver_domain.mount=/v:/dev/b:ext4 \
        driver_domain.mount=/v/w:/dev/a:ext4
        """), now: 1000)
    var mounted: [String] = []
    storage.update(now: 1000, exists: { _ in false }, mount: { mounted.append($0.directory) })
    #expect(!storage.isSettled)
    #expect(storage.nextDeadline == 11_000)
    #expect(storage.problems.isEmpty)
    storage.update(now: 2000, exists: { _ in true }, mount: { mounted.append($0.directory) })
    #expect(storage.isSettled)
    #expect(mounted == ["/v", "/v/w"])
    #expect(storage.mountedVolumes.map(\.directory) == mounted)
  }

  @Test func timeOutSettlesAndALateDeviceHeals() {
    let line = "driver_domain.wait=/dev/a driver_domain.wait_seconds=2"
    var storage = StorageReadiness(configuration(line), now: 0)
    storage.update(now: 1999, exists: { _ in false }, mount: { _ in })
    #expect(!storage.isSettled)
    storage.update(now: 2000, exists: { _ in false }, mount: { _ in })
    #expect(storage.isSettled)
    #expect(storage.problems == ["/dev/a: did not appear in time"])
    storage.update(now: 9000, exists: { _ in true }, mount: { _ in })
    #expect(storage.problems.isEmpty)
  }

  @Test func failedMountIsReportedAndTriedAgain() {
    var storage = StorageReadiness(
      configuration("driver_domain.mount=/v:/dev/a:ext4"), now: 0)
    storage.update(
      now: 0, exists: { _ in true }, mount: { _ throws(Errno) in throw Errno.invalidArgument })
    #expect(storage.isSettled)
    #expect(storage.problems == ["mount /dev/a on /v: Invalid argument"])
    storage.update(now: 1, exists: { _ in true }, mount: { _ in })
    #expect(storage.problems.isEmpty)
    #expect(storage.unmountedVolumes.isEmpty)
  }
}
