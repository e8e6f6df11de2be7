internal import Glibc
import Logging
import RingTransport
import SystemPackage

/// `block-backend`: one process, one device.
@main struct BlockBackend: BackendProgram {
  static let name = "block-backend"
  static let helpText = BlockOptions.helpText

  static func main() {
    exit(run(BlockOptions.read(CommandLine.arguments.dropFirst())))
  }

  static func serve<Transport: XenStoreTransport & ~Copyable>(
    _ leaf: BackendLeaf, _ options: BlockOptions, log: Logger,
    store: consuming XenStoreClient<Transport>
  ) throws(BackendProcessError) {
    let hypervisor: XenHypervisor
    do throws(Errno) {
      hypervisor = try XenHypervisor()
    } catch {
      throw .open("/dev/xen/gntdev and /dev/xen/evtchn", error)
    }
    let loop: EventLoop
    do throws(Errno) {
      loop = try EventLoop(
        eventDescriptor: hypervisor.eventDescriptor, xenStoreDescriptor: store.fileDescriptor)
    } catch {
      throw .open("io_uring", error)
    }
    var device = BlockDevice(
      leaf: leaf, settings: options.settings, log: log, hypervisor: hypervisor,
      storage: TargetLoop(loop), store: store)
    try device.runToEnd()
  }
}
