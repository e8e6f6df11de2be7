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
    return SandboxPolicy(ioctlRequests: [c_tap_request_offloads], startsThreads: true)
  }

  /// As many as a guest may have queues, which one that is taken over may have from an earlier
  /// process with other options.
  static let furtherThreadCount = NetOptions.queueCountRange.upperBound

  /// The compiler of filters is the largest part of what a vif needs before it can be taken over.
  static func warmUp() {
    _ = try? PacketFilter("ether src 00:16:3e:00:00:00 and (ip src 192.0.2.0/24 or arp)")
  }

  /// Init holds the queue that an interface is taken over with.
  static var opensInAHurry: Bool { false }

  static func open(_ request: Opener.Request) -> Opener.Answer {
    PortOpening.serve(request)
  }

  static func serve(
    _ task: BackendTask<NetOptions>, hypervisor: consuming XenHypervisor,
    loop: consuming EventLoop, store: consuming XenStoreClient<XenStoreConnection>
  ) throws(BackendProcessError) {
    let opening = PortOpening(opener: task.opener, held: task.queue)
    let queues: ThreadedQueues
    do throws(Errno) {
      queues = try ThreadedQueues(
        loop, status: task.status, devices: task.devices,
        opening: opening)
    } catch {
      throw .open("an event descriptor", error)
    }
    var device = NetDevice(
      leaf: task.leaf, options: task.options, log: task.log, hypervisor: hypervisor,
      queues: queues, store: store, status: task.status)
    opening.announce(device.uplink)
    device.startedAt = task.startedAt
    device.start(now: MonotonicClock.nanoseconds(), knowing: task.configuration)
    try device.runToEnd()
  }
}
