internal import Glibc
import Logging
import RingTransport
import SystemPackage

/// `net-backend`: one process, one vif.
@main struct NetBackend: BackendProgram {
  static let name = "net-backend"
  static let helpText = NetOptions.helpText

  static func main() {
    let arguments = CommandLine.arguments.dropFirst()
    if arguments.first == "capture" { exit(CaptureRun.run(arguments.dropFirst())) }
    exit(run(NetOptions.read(arguments)))
  }

  static func serve<Transport: XenStoreTransport & ~Copyable>(
    _ leaf: BackendLeaf, _ options: NetOptions, log: Logger,
    store: consuming XenStoreClient<Transport>
  ) throws(BackendProcessError) {
    let hypervisor: XenHypervisor
    do throws(Errno) {
      hypervisor = try XenHypervisor()
    } catch {
      throw .open("/dev/xen/gntdev and /dev/xen/evtchn", error)
    }
    let queues: ThreadedQueues
    do throws(Errno) {
      let loop = try EventLoop(
        eventDescriptor: hypervisor.eventDescriptor, xenStoreDescriptor: store.fileDescriptor)
      queues = try ThreadedQueues(loop)
    } catch {
      throw .open("io_uring", error)
    }
    var device = NetDevice(
      leaf: leaf, options: options, log: log, hypervisor: hypervisor, queues: queues,
      store: store)
    try device.runToEnd()
  }
}
