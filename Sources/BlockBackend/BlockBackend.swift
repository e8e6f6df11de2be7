internal import Glibc
import Logging
import RingTransport
import SystemPackage

/// `block-backend`: one process, one device.
@main struct BlockBackend {
  static func main() {
    let arguments = Arguments(CommandLine.arguments.dropFirst())
    switch arguments.mode {
    case .help:
      print(Arguments.helpText, terminator: "")
    case .version:
      print("block-backend \(Arguments.version)")
    case .wrong(let text):
      writeError("block-backend: \(text)\n\n" + Arguments.helpText)
      exit(2)
    case .serve(let leaf):
      exit(serve(leaf, arguments))
    }
  }

  private static func serve(_ leaf: BackendLeaf, _ arguments: Arguments) -> Int32 {
    var log = Logger(label: "block-backend") { _ in
      ConsoleLog(
        console: .standardError, program: "block-backend", level: arguments.logLevel)
    }
    log[metadataKey: "device"] = "\(leaf.frontendDomain)/\(leaf.device)"
    do throws(BlockProcessError) {
      if let socket = arguments.xenStoreSocket {
        let transport = try openStore { () throws(Errno) in
          try XenStoreSocketTransport(path: socket)
        }
        try run(leaf, arguments, log, transport)
      } else {
        let transport = try openStore { () throws(Errno) in try XenStoreDeviceTransport() }
        try run(leaf, arguments, log, transport)
      }
      return 0
    } catch {
      log.critical("cannot go on", metadata: ["error": "\(error)"])
      return 1
    }
  }

  private static func openStore<Transport: ~Copyable>(
    _ open: () throws(Errno) -> Transport
  ) throws(BlockProcessError) -> Transport {
    do throws(Errno) { return try open() } catch { throw .open("XenStore", error) }
  }

  /// Runs one device until its life ends.
  private static func run<Transport: XenStoreTransport & ~Copyable>(
    _ leaf: BackendLeaf, _ arguments: Arguments, _ log: Logger, _ transport: consuming Transport
  ) throws(BlockProcessError) {
    let store = XenStoreClient(transport)
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
      leaf: leaf, bufferByteCount: arguments.bufferKiB * 1024, log: log, hypervisor: hypervisor,
      storage: TargetLoop(loop), store: store)
    try device.runToEnd()
  }

  private static func writeError(_ text: String) {
    var text = text
    // SAFETY: the call reads the text's bytes and no more.
    text.withUTF8 { bytes in unsafe _ = write(2, bytes.baseAddress, bytes.count) }
  }
}

/// Why a backend process cannot go on.
enum BlockProcessError: Error, CustomStringConvertible {
  case open(String, Errno)
  case loop(Errno)
  case store(XenStoreFailure)

  var description: String {
    switch self {
    case .open(let what, let errno): "cannot open \(what): \(errno)"
    case .loop(let errno): "the event loop failed: \(errno)"
    case .store(let failure): "the connection to XenStore failed: \(failure)"
    }
  }
}
