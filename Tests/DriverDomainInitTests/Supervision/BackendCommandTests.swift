import Logging
import RingTransport
import Testing

@testable import DriverDomainInit

@Suite struct BackendCommandTests {
  private func leaf(_ kind: BackendLeaf.Kind) -> BackendLeaf {
    BackendLeaf(kind: kind, frontendDomain: DomainIdentifier(rawValue: 2), device: 0)
  }

  @Test func blockBackendsArgumentsAreTheContract() {
    var configuration = Configuration()
    configuration.logLevel = .debug
    let disk = leaf(.virtualBlockDevice)
    #expect(
      BackendCommand.block("/bin/block-backend", disk, configuration).arguments == [
        "block-backend", "--path", "backend/vbd/2/0", "--log-level", "debug",
      ])
    configuration.blockBufferKiB = 4096
    configuration.blockPollMicroseconds = 50
    #expect(
      BackendCommand.block("/bin/block-backend", disk, configuration).arguments.dropFirst(3) == [
        "--buffer-kib", "4096", "--poll-microseconds", "50", "--log-level", "debug",
      ])
  }

  @Test func sparesAndStatusPagesHaveTheirDescriptors() {
    let command = BackendCommand.block(
      "/bin/block-backend", leaf(.virtualBlockDevice), Configuration())
    #expect(command.furtherArguments == ["--log-level", "info"])
    #expect(
      command.passingStatus(andQueues: 0).arguments.suffix(4) == [
        "--log-level", "info", "--status-descriptor", "3",
      ])
    #expect(
      BackendCommand.waiting("/bin/net-backend", as: .spare, Configuration()).arguments == [
        "net-backend", "--spare", "--orders-descriptor", "4", "--log-level", "info",
      ])
  }

  @Test func netBackendsArgumentsAreTheContract() {
    var service = InterfaceService(uplink: "tap:vif2.0")
    let interface = leaf(.virtualInterface)
    let bare = BackendCommand.network("/bin/net-backend", interface, service, Configuration())
    #expect(bare.program == "/bin/net-backend")
    #expect(
      bare.arguments == [
        "net-backend", "--path", "backend/vif/2/0", "--uplink", "tap:vif2.0", "--log-level",
        "info",
      ])
    service.filter = "not port 25"
    service.unusable = "no bridge"
    let full = BackendCommand.network("/bin/net-backend", interface, service, Configuration())
    #expect(
      full.arguments.dropFirst(5) == [
        "--filter", "not port 25", "--unusable", "no bridge", "--log-level", "info",
      ])
  }

  @Test func captureHasItsLimit() throws {
    let order = try CaptureOrder("/v/a 5", interface: "vif2.0", directories: nil)
    #expect(
      BackendCommand.capture("/bin/net-backend", order).arguments == [
        "net-backend", "capture", "--interface", "vif2.0", "--file", "/v/a", "--limit-mib", "5",
      ])
  }

  @Test func whatIsInstalledIsServed() {
    let programs = BackendPrograms.installed(block: "/nonexistent", network: "/bin/sh")
    #expect(programs == BackendPrograms(block: nil, network: "/bin/sh"))
    #expect(programs.program(for: .virtualInterface) == "/bin/sh")
    #expect(programs.program(for: .virtualBlockDevice) == nil)
    #expect(programs.program(for: .qemuDisk) == nil)
    // A file that cannot be run is none.
    #expect(BackendPrograms.installed(block: "/etc/passwd", network: "/x").block == nil)
  }
}
