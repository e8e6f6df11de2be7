import CLinux
internal import Glibc
import RingTransport
import SystemPackage

/// `net-backend`: one process, one vif.
@main struct NetBackend: BackendProgram {
  static let name = "net-backend"
  static let helpText = NetOptions.helpText

  static func main() {
    let arguments = CommandLine.arguments.dropFirst()
    if arguments.first == "capture" { exit(CaptureRun.run(arguments.dropFirst())) }
    exit(run(arguments))
  }

  static func read(_ arguments: [String]) -> BackendArguments<NetOptions> {
    NetOptions.read(arguments)
  }

  /// Queues start when the guest connects, each on a thread of its own. libpcap opens its interface
  /// by itself, as root, whenever a guest connects.
  static func sandbox(_ options: NetOptions) -> SandboxPolicy? {
    if case .capture? = options.uplink { return nil }
    return SandboxPolicy(
      ioctlRequests: [c_tap_request_offloads, c_tap_request_queue], startsThreads: true)
  }

  /// As many as the guest may have queues.
  static func furtherThreadCount(_ task: BackendTask<NetOptions>) -> Int {
    max(task.options.queueCountMax, promisedQueueCountMax(task))
  }

  /// What an earlier process, perhaps with other options, told the guest; the most there can be
  /// where that is not known yet.
  private static func promisedQueueCountMax(_ task: BackendTask<NetOptions>) -> Int {
    guard let values = task.status.keptPromises, values.count == NetPromises.nodes.count,
      let promises = try? NetPromises(values: values)
    else { return NetOptions.queueCountRange.upperBound }
    return promises.queueCountMax
  }

  /// The compiler of filters is the largest part of what a vif needs before it can be taken over.
  static func warmUp() {
    _ = try? PacketFilter("ether src 00:16:3e:00:00:00 and (ip src 192.0.2.0/24 or arp)")
  }

  /// Init holds the queues that an interface is taken over with.
  static var opensInAHurry: Bool { false }

  /// Of a TAP device whose queues init holds there never is anything.
  static func needsOpener(_ task: BackendTask<NetOptions>) -> Bool {
    task.devices.count > task.queues.count
  }

  static func open(_ request: Opener.Request) -> Opener.Answer {
    PortOpening.serve(request)
  }

  static func serve(
    _ task: BackendTask<NetOptions>, hypervisor: consuming XenHypervisor,
    loop: consuming EventLoop, store: consuming XenStoreClient<XenStoreConnection>
  ) throws(BackendProcessError) {
    var task = task
    let opening = PortOpening(opener: task.opener, held: task.queues)
    opening.announce(task.options.uplink(of: task.leaf))
    var queues: ThreadedQueues
    do throws(Errno) {
      queues = try ThreadedQueues(
        loop, status: task.status, devices: task.devices,
        opening: opening)
    } catch {
      throw .open("an event descriptor", error)
    }
    let filter = Self.filter(of: task)
    queues.prepare()
    guard try task.awaitTurn(in: &queues.loop) else { return }
    var device = NetDevice(
      leaf: task.leaf, options: task.options, log: task.log, hypervisor: hypervisor,
      queues: queues, store: store, status: task.status)
    device.knownFilter = filter
    device.startedAt = task.startedAt
    device.start(now: MonotonicClock.nanoseconds(), knowing: task.configuration)
    try device.runToEnd()
  }

  /// Compiles the filter of the device that init has told; nil where that is not known, or wrong,
  /// which is found out and said when the device is served.
  private static func filter(of task: BackendTask<NetOptions>) -> PacketFilter? {
    guard let values = task.configuration.list(NetConfiguration.nodes),
      let configuration = try? NetConfiguration(values: values, filter: task.options.filter)
    else { return nil }
    return try? PacketFilter(configuration.filterExpression)
  }
}
