import RingTransport
import Synchronization
import SystemPackage

/// Queues on threads of their own, and the control thread's event loop, which they report to.
struct ThreadedQueues: NetQueues, ~Copyable {
  /// The control thread's.
  var loop: EventLoop
  private let report: WakeUp
  private var threads: [QueueThread] = []
  private var uplink: NetUplink?

  static let reportToken = 1

  /// Takes over the control thread's loop.
  init(_ loop: consuming EventLoop) throws(Errno) {
    report = try WakeUp()
    self.loop = loop
    listenForReports()
  }

  /// Makes the loop wake up, once, when a queue stops by itself.
  mutating func listenForReports() {
    report.clear()
    loop.pollReadable(report.descriptor, token: Self.reportToken)
  }

  mutating func open(_ uplink: NetUplink) throws(NetPortError) {
    try DescriptorPort.expectInterface(uplink.interface)
    self.uplink = uplink
  }

  mutating func connect(
    _ parameters: [NetQueueParameters], guest: NetGuest, address: EthernetAddress,
    policy: VifPolicy
  ) throws(NetConnectionError) {
    guard let uplink else { throw .port(.missing("")) }
    for queue in parameters {
      let thread = try QueueThread.start(report: report) { thread in
        switch uplink {
        case .tap(let name):
          Self.serve(thread, queue, guest, policy, { $0.descriptor }) {
            () throws(NetPortError) in
            let port = try DescriptorPort(tap: name)
            try port.setOffloads(guest.features, of: name)
            return port
          }
        case .packet(let name):
          Self.serve(thread, queue, guest, policy, { $0.descriptor }) {
            () throws(NetPortError) in try DescriptorPort(packet: name, ownAddress: address)
          }
        case .capture(let name):
          Self.serve(thread, queue, guest, policy, { $0.descriptor }) {
            () throws(NetPortError) in try CapturePort(interface: name, ownAddress: address)
          }
        }
      }
      threads.append(thread)
    }
  }

  /// Runs on the queue's thread.
  private static func serve<Port: NetPort & ~Copyable>(
    _ thread: QueueThread, _ parameters: NetQueueParameters, _ guest: NetGuest,
    _ policy: VifPolicy, _ descriptor: (borrowing Port) -> Int32,
    open: () throws(NetPortError) -> Port
  ) {
    do throws(NetConnectionError) {
      let port: Port
      do throws(NetPortError) { port = try open() } catch { throw .port(error) }
      let number = descriptor(port)
      let loop = try QueueLoop(
        parameters, guest: guest, policy: policy, thread: thread, port: port,
        portDescriptor: number)
      thread.began(.success(()))
      loop.run()
    } catch {
      thread.began(.failure(error))
    }
  }

  mutating func disconnect() -> NetStatistics {
    let statistics = threads.reduce(NetStatistics()) { $0 + $1.stop() }
    threads = []
    return statistics
  }

  var failure: QueueFailure? {
    threads.lazy.compactMap { $0.state.withLock { $0.failure } }.first
  }

  mutating func setHeadroom(byteCount: Int) {
    for thread in threads {
      thread.state.withLock { $0.headroomByteCount = byteCount }
      thread.wakeUp.signal()
    }
  }
}
