import Testing

@testable import DriverDomainInit

@Suite struct ArgumentsTests {
  @Test func processOneIsInitWhateverTheKernelPasses() {
    #expect(Arguments.parse(["/init", "quiet", "x"], isProcessOne: true).mode == .initProcess)
    #expect(Arguments.parse([], isProcessOne: true).mode == .initProcess)
  }

  @Test func containerMaySupervise() {
    let arguments = Arguments.parse(["/init", "--supervise"], isProcessOne: true)
    #expect(arguments.mode == .supervise)
  }

  @Test func kernelsHelpersAreToldByName() {
    #expect(Arguments.parse(["/sbin/poweroff"], isProcessOne: false).mode == .requestPowerOff)
    #expect(Arguments.parse(["reboot"], isProcessOne: false).mode == .requestRestart)
  }

  @Test func superviseTakesOptions() {
    let arguments = Arguments.parse(
      [
        "driver-domain-init", "--supervise", "--xenstore", "/run/xenstored/socket",
        "--block-backend", "/usr/lib/bb", "--net-backend", "/usr/lib/nb", "driver_domain.log=debug",
        "driver_domain.wait=/dev/disk/by-serial/a b",
      ], isProcessOne: false)
    #expect(arguments.mode == .supervise)
    #expect(arguments.xenStorePath == "/run/xenstored/socket")
    #expect(arguments.blockBackend == "/usr/lib/bb")
    #expect(arguments.networkBackend == "/usr/lib/nb")
    let (configuration, problems) = Configuration.parse(arguments.options)
    #expect(problems.isEmpty)
    #expect(configuration.awaitedDevices == ["/dev/disk/by-serial/a b"])
  }

  @Test func initCallsItselfToCopy() {
    let mode = Arguments.parse(["x", "--copy-program", "/a", "/b"], isProcessOne: false).mode
    #expect(mode == .copyProgram(from: "/a", beside: "/b"))
  }

  @Test(arguments: [
    ["x", "--copy-program", "/a"], ["x", "--supervise", "--copy-program", "/a", "/b"],
    ["x"], ["x", "--bogus"], ["x", "--supervise", "--xenstore"],
    ["x", "--supervise", "--block-backend", "relative"], ["x", "driver_domain.log=debug"],
  ])
  func whatMakesNoSenseIsRefused(arguments: [String]) {
    guard case .wrong = Arguments.parse(arguments, isProcessOne: false).mode else {
      Issue.record("accepted")
      return
    }
  }

  @Test func helpNamesEveryOption() {
    #expect(Arguments.parse(["x", "--help"], isProcessOne: false).mode == .help)
    #expect(Arguments.parse(["x", "--version"], isProcessOne: false).mode == .version)
    for name in [
      "hang_seconds", "escalate", "watchdog_seconds", "log", "mount", "wait", "wait_seconds",
      "stop_seconds", "modules", "block_buffer_kib", "block_poll_microseconds",
      "bridge", "mtu", "uplink", "address", "filter", "filter.AA-BB-CC-DD-EE-FF",
    ] {
      #expect(Arguments.helpText.contains("driver_domain.\(name)="))
    }
  }
}
