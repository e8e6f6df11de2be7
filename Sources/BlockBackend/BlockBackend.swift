import CLinux
internal import Glibc
import RingTransport

/// `block-backend`: one process, one device.
@main struct BlockBackend: BackendProgram {
  static let name = "block-backend"
  static let helpText = BlockOptions.helpText

  static func main() {
    exit(run(CommandLine.arguments.dropFirst()))
  }

  static func read(_ arguments: [String]) -> BackendArguments<BlockOptions> {
    BlockOptions.read(arguments)
  }

  /// The data path uses the event loop; the target's size is looked at now and then.
  static func sandbox(_ options: BlockOptions) -> SandboxPolicy? {
    SandboxPolicy(ioctlRequests: [c_block_request_capacity], startsThreads: false)
  }

  static func furtherThreadCount(_ task: BackendTask<BlockOptions>) -> Int { 0 }

  static func open(_ request: Opener.Request) -> Opener.Answer {
    TargetOpening.serve(request)
  }

  static func serve(
    _ task: BackendTask<BlockOptions>, hypervisor: consuming XenHypervisor,
    loop: consuming EventLoop, store: consuming XenStoreClient<XenStoreConnection>
  ) throws(BackendProcessError) {
    var task = task
    var storage = TargetLoop(loop, opener: task.opener)
    if let values = task.configuration.list(BlockConfiguration.nodes),
      let configuration = try? BlockConfiguration(leaf: task.leaf, values: values)
    {
      storage.announce(configuration.target)
    }
    guard try task.awaitTurn(in: &storage.loop) else { return }
    var device = BlockDevice(
      leaf: task.leaf, settings: task.options.settings, log: task.log, hypervisor: hypervisor,
      storage: storage, store: store, memory: task.status)
    device.startedAt = task.startedAt
    device.start(now: MonotonicClock.nanoseconds(), knowing: task.configuration)
    try device.runToEnd(task.status)
  }
}
