import Logging
import Testing

@testable import DriverDomainInit

@Suite struct ConfigurationTests {
  @Test func wordsOfTheKernelAreNotOurs() {
    let (configuration, problems) = Configuration.parse("console=hvc0 quiet panic=-1 driver=1")
    #expect(configuration == Configuration())
    #expect(problems.isEmpty)
  }

  @Test func readsEveryOption() {
    let (configuration, problems) = Configuration.parse(
      """
      driver_domain.log=debug driver_domain.wait=/dev/vda,/dev/vdb driver_domain.wait=/dev/vdc \
      driver_domain.wait_seconds=30 driver_domain.stop_seconds=5 \
      driver_domain.hang_seconds=0 driver_domain.escalate=no driver_domain.watchdog_seconds=30 \
      driver_domain.modules=xfs,virtio_scsi driver_domain.block_buffer_kib=4096 \
      driver_domain.block_poll_microseconds=0 \
      driver_domain.mount=/volumes:/dev/disk/by-partlabel/volumes:ext4 \
      driver_domain.mount=/iso:/dev/vdb:xfs:ro
      """)
    #expect(problems.isEmpty)
    #expect(configuration.logLevel == .debug)
    #expect(configuration.awaitedDevices == ["/dev/vda", "/dev/vdb", "/dev/vdc"])
    #expect(configuration.waitSeconds == 30)
    #expect(configuration.stopSeconds == 5)
    #expect(configuration.hangSeconds == 0)
    #expect(!configuration.mayEscalate)
    #expect(configuration.watchdogSeconds == 30)
    #expect(configuration.extraModules == ["xfs", "virtio_scsi"])
    #expect(configuration.blockBufferKiB == 4096)
    #expect(configuration.blockPollMicroseconds == 0)
    #expect(
      configuration.volumes == [
        .init(
          directory: "/volumes", device: "/dev/disk/by-partlabel/volumes", type: "ext4",
          isReadOnly: false),
        .init(directory: "/iso", device: "/dev/vdb", type: "xfs", isReadOnly: true),
      ])
    #expect(
      configuration.requiredDevices
        == ["/dev/vda", "/dev/vdb", "/dev/vdc", "/dev/disk/by-partlabel/volumes"])
  }

  @Test func deviceOfVolumeMayHoldColons() throws {
    let (configuration, problems) = Configuration.parse(
      #"driver_domain.mount="/v:/dev/disk/by-serial/a:b c:ext4:rw""#)
    #expect(problems.isEmpty)
    let volume = try #require(configuration.volumes.first)
    #expect(volume.device == "/dev/disk/by-serial/a:b c")
    #expect(!volume.isReadOnly)
  }

  @Test(arguments: [
    "driver_domain.bogus=1", "driver_domain.", "driver_domain.log", "driver_domain.log=",
    "driver_domain.log=loud", "driver_domain.wait", "driver_domain.wait=,",
    "driver_domain.wait=vda", "driver_domain.wait=/dev/", "driver_domain.wait=/dev/../etc/passwd",
    "driver_domain.wait_seconds=-1", "driver_domain.wait_seconds=601",
    "driver_domain.wait_seconds=1s", "driver_domain.wait_seconds=99999999999999999999",
    "driver_domain.stop_seconds=0", "driver_domain.hang_seconds=-1",
    "driver_domain.hang_seconds=601", "driver_domain.escalate=maybe", "driver_domain.escalate=",
    "driver_domain.watchdog_seconds=1", "driver_domain.watchdog_seconds=601",
    "driver_domain.modules=../evil",
    "driver_domain.modules=a/b", "driver_domain.block_buffer_kib=2044",
    "driver_domain.block_buffer_kib=262148", "driver_domain.block_poll_microseconds=10001",
    "driver_domain.block_buffer_kib=4097",
    "driver_domain.mount=/v",
    "driver_domain.mount=/v:/dev/vda", "driver_domain.mount=/v:/dev/vda:",
    "driver_domain.mount=:/dev/vda:ext4", "driver_domain.mount=/:/dev/vda:ext4",
    "driver_domain.mount=/dev/x:/dev/vda:ext4", "driver_domain.mount=//proc:/dev/vda:ext4",
    "driver_domain.mount=/a/../proc:/dev/vda:ext4", "driver_domain.mount=v:/dev/vda:ext4",
    "driver_domain.mount=//:/dev/vda:ext4",
  ])
  func badWordIsReportedAndTheRestCounts(word: String) {
    let line = "driver_domain.log=error \(word) driver_domain.wait=/dev/sda"
    let (configuration, problems) = Configuration.parse(line)
    #expect(problems.count == 1)
    #expect(problems.first.map { word.hasPrefix($0.option) } == true)
    #expect(configuration.logLevel == .error)
    #expect(configuration.awaitedDevices == ["/dev/sda"])
    #expect(configuration.volumes.isEmpty)
  }

  @Test func listsAreBounded() {
    let line = (0..<40).map { "driver_domain.wait=/dev/vd\($0)" }.joined(separator: " ")
    let (configuration, problems) = Configuration.parse(line)
    #expect(configuration.awaitedDevices.count == Configuration.entryCountMax)
    #expect(problems.count == 8)
  }

  @Test func anyTextParsesWithoutACrash() {
    var generator = SeededGenerator(seed: SeededGenerator.seed(for: "configuration"))
    let pieces = [
      "driver_domain.", "mount", "wait", "=", ":", "/", "/dev/", " ", "\"", ",", "ro", "ext4",
      "..", "log", "\u{0}", "é", "modules",
    ]
    for _ in 0..<5000 {
      let count = Int.random(in: 0...12, using: &generator)
      let line = (0..<count).compactMap { _ in pieces.randomElement(using: &generator) }.joined()
      let (configuration, _) = Configuration.parse(line)
      #expect(configuration.requiredDevices.allSatisfy { $0.hasPrefix("/dev/") })
    }
  }
}
