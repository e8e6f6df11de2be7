import Foundation
import Synchronization

/// Real Xen with a real Dom0 in an emulated machine.
///
/// One boot serves many scenarios. The machine dies with this process at the latest.
public final class XenHost: Sendable {
  /// Dom0's shell.
  public let dom0: Shell
  /// Where the serial log and the consoles of this boot are kept.
  public let logDirectory: String

  let consoles: ConsolePorts
  private let qemu: QEMUProcess
  private let monitor: QMPConnection
  private let files: TestHostFiles

  /// The passed-through disk with partitions guest1, guest2, volumes, tools and scratch.
  public static let partitionedDisk = "00:03.0"
  /// The passed-through disk without partitions, for resizing.
  public static let plainDisk = "00:04.0"
  /// An NVMe disk of 64 MiB without partitions, to pass through.
  public static let nvmeDisk = "00:0b.0"
  /// QEMU's name of the disk without partitions.
  public static let plainDiskDevice = "disk-b"
  /// The passed-through network card of our network driver domain, on QEMU's network `net-a`.
  public static let networkCard = "00:09.0"
  /// The passed-through network card of the domain with Linux's backend, on `net-b`.
  public static let peerNetworkCard = "00:0a.0"
  /// The passed-through disk of the domain with Linux's backend, partitioned like
  /// `partitionedDisk`.
  public static let peerDisk = "00:0c.0"
  /// Dom0's own disk, partitioned like `partitionedDisk`.
  public static let dom0Disk = "/dev/vda"
  /// Domains that can be up at once with a console each. `boot.sh` has three buses of nine ports,
  /// and the agent needs one.
  static let consoleCount = 24

  private init(
    dom0: Shell, consoles: ConsolePorts, qemu: QEMUProcess, monitor: QMPConnection,
    files: TestHostFiles
  ) {
    self.dom0 = dom0
    self.consoles = consoles
    self.qemu = qemu
    self.monitor = monitor
    self.files = files
    self.logDirectory = files.logDirectory
  }

  /// Builds the images if needed, starts the machine and waits until Dom0 answers.
  public static func boot(_ configuration: HostConfiguration = HostConfiguration()) async throws
    -> XenHost
  {
    try await TestHostFiles.build()
    let files = try TestHostFiles()
    try files.stage(configuration.stagedFiles)

    let socket = "\(files.directory)/socket"
    let listener = try SocketListener(path: socket, backlog: consoleCount + 2)
    let qemu = try QEMUProcess(
      scripts: TestHostFiles.scripts, directory: files.directory,
      options: characterDevices(socket) + configuration.options,
      dom0Words: configuration.dom0Words, serialLogPath: "\(files.logDirectory)/serial.log",
      ended: { listener.shutDown() })
    var streams: [SocketStream]
    do {
      streams = try await listener.accept(count: consoleCount + 2)
    } catch {
      throw XenHostError.hostDown(reason: "QEMU did not start", serialLog: qemu.serialLog)
    }
    let monitor = QMPConnection(stream: streams.removeFirst())
    try await monitor.execute("qmp_capabilities")

    let serialLog = { @Sendable in qemu.serialLog }
    let agent = AgentConnection(stream: streams.removeFirst(), hostLog: serialLog)
    let log = ConsoleLog(path: "\(files.logDirectory)/dom0-agent.log")
    await agent.beginSession(machine: "Dom0", log: log)
    do {
      try await agent.waitUntilReady(timeout: configuration.bootTimeout)
    } catch {
      qemu.kill()
      throw XenHostError.hostDown(reason: "Dom0 does not answer", serialLog: qemu.serialLog)
    }
    return XenHost(
      dom0: Shell(name: "Dom0", agent: agent, log: serialLog),
      consoles: ConsolePorts(streams: streams, hostLog: serialLog), qemu: qemu, monitor: monitor,
      files: files)
  }

  /// Where the machine's disks are.
  var diskDirectory: String { files.directory }

  /// The serial console up to now: Xen's and Dom0's kernel messages of the more serious kinds.
  public var serialLog: String { qemu.serialLog }

  /// Dom0's whole kernel log.
  public func kernelLog() async throws -> String { try await dom0.check("dmesg") }

  /// Runs a command of QEMU's monitor; `arguments` is a JSON object.
  @discardableResult
  public func qmp(_ command: String, arguments: String = "{}") async throws -> String {
    try await monitor.execute(command, arguments: arguments)
  }

  /// Gives one of the machine's disks another size, as a storage array would.
  public func resizeDisk(_ device: String, bytes: Int) async throws {
    try await qmp("block_resize", arguments: "{\"device\": \"\(device)\", \"size\": \(bytes)}")
  }

  /// Ends the machine at once, with all domains in it.
  public func powerOff() async {
    qemu.kill()
    await monitor.waitUntilClosed()
    files.removeDirectory()
  }

  /// All connections go to one socket: QEMU makes them in this order.
  private static func characterDevices(_ socket: String) -> [String] {
    var options = [
      "-chardev", "socket,id=monitor,path=\(socket)", "-mon", "chardev=monitor,mode=control",
    ]
    let ports = ["agent"] + (1...consoleCount).map { "console\($0)" }
    for (number, name) in ports.enumerated() {
      options += [
        "-chardev", "socket,id=\(name),path=\(socket)", "-device",
        "virtserialport,bus=ports\(number / 9).0,nr=\(number % 9 + 1),chardev=\(name),name=\(name)",
      ]
    }
    return options
  }
}
