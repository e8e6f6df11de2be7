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

  static func serve<Transport: XenStoreTransport & ~Copyable>(
    _ task: BackendTask<NetOptions>, hypervisor: consuming XenHypervisor,
    loop: consuming EventLoop, store: consuming XenStoreClient<Transport>
  ) throws(BackendProcessError) {
    let queues: ThreadedQueues
    do throws(Errno) {
      queues = try ThreadedQueues(loop, status: task.status)
    } catch {
      throw .open("an event descriptor", error)
    }
    var device = NetDevice(
      leaf: task.leaf, options: task.options, log: task.log, hypervisor: hypervisor,
      queues: queues, store: store, status: task.status)
    try device.runToEnd()
  }
}
