import RingTransport
import SystemPackage
import Testing

@testable import DriverDomainInit

/// Without a device; what the hypervisor does is seen in a domain.
@Suite struct WatchdogTests {
  @Test func missingDeviceIsAnError() {
    #expect(throws: Errno.noSuchFileOrDirectory) {
      _ = try Watchdog(path: "/nonexistent/watchdog", seconds: 10, now: 0)
    }
  }

  @Test func fileThatIsNoWatchdogIsAnError() throws {
    #expect(throws: Errno.inappropriateIOCTLForDevice) {
      _ = try Watchdog(path: "/dev/null", seconds: 10, now: 0)
    }
  }
}
