import RingTransport
import Synchronization
import SystemPackage

/// What the thread of a queue does from its start to its end.
private struct QueueWork {
  let thread: QueueThread
  let parameters: NetQueueParameters
  let guest: NetGuest
  let policy: VifPolicy
  let status: StatusPage
  let number: Int
  let adopts: Bool

  func run<Port: PolledPort & ~Copyable>(
    _ hypervisor: consuming XenHypervisor, _ loop: consuming EventLoop,
    opening open: () throws(NetPortError) -> Port
  ) {
    do throws(NetConnectionError) {
      let port: Port
      do throws(NetPortError) { port = try open() } catch { throw .port(error) }
      let loop = try QueueLoop(
        parameters, guest: guest, policy: policy, thread: thread, status: status,
        number: number, adopts: adopts, hypervisor: hypervisor, loop: loop, port: port)
      thread.began(.success(()))
      loop.run()
    } catch {
      thread.began(.failure(error))
    }
  }
}

/// Queues on threads of their own, and the control thread's event loop, which they report to.
struct ThreadedQueues: NetQueues, ~Copyable {
  /// The control thread's.
  var loop: EventLoop
  private let report: WakeUp
  private let status: StatusPage
  private let devices: [XenDevices]
  private let opening: PortOpening
  private var threads: [QueueThread] = []
  /// The first queue's thread, before there is a queue.
  private var waitingThread: QueueThread?
  private var uplink: NetUplink?

  static let reportToken = 1

  /// Takes over the control thread's loop.
  ///
  /// - Parameters:
  ///   - status: where the queues' threads give signs of life.
  ///   - devices: for each queue that there may be.
  ///   - opening: how the network side is reached.
  init(
    _ loop: consuming EventLoop, status: StatusPage, devices: [XenDevices], opening: PortOpening
  ) throws(Errno) {
    report = try WakeUp()
    self.status = status
    self.devices = devices
    self.opening = opening
    self.loop = loop
    listenForReports()
  }

  /// Starts the first queue's thread ahead. Should that fail, ``connect`` says so.
  mutating func prepare() {
    if threads.isEmpty, waitingThread == nil {
      waitingThread = try? QueueThread(devices[0], report: report)
    }
  }

  /// Makes the loop wake up, once, when a queue stops by itself.
  mutating func listenForReports() {
    report.clear()
    loop.pollReadable(report.descriptor, token: Self.reportToken)
  }

  mutating func open(_ uplink: NetUplink) throws(NetPortError) {
    try opening.expect(uplink)
    self.uplink = uplink
  }

  mutating func connect(
    _ parameters: [NetQueueParameters], guest: NetGuest, address: EthernetAddress,
    policy: VifPolicy, adopts: Bool
  ) throws(NetConnectionError) {
    guard let uplink else { throw .port(.missing("")) }
    guard parameters.count <= devices.count else {
      throw .devices(wanted: parameters.count, opened: devices.count)
    }
    // An earlier guest may have had more. Queues stay attached until here, so that what waits in
    // them is there for the process that takes the interface over.
    do throws(NetPortError) {
      try opening.attachQueues(parameters.count, of: uplink)
    } catch {
      throw .port(error)
    }
    let exchange: FrameExchange
    do throws(Errno) {
      if let thread = waitingThread.take() { threads.append(thread) }
      for index in threads.count..<parameters.count {
        threads.append(try QueueThread(devices[index], report: report))
      }
    } catch {
      throw .thread(error)
    }
    do throws(Errno) {
      exchange = try FrameExchange(threads.map(\.wakeUp))
    } catch {
      throw .memory(error)
    }
    let status = status
    let opening = opening
    for (index, queue) in parameters.enumerated() {
      try threads[index].serve { thread, hypervisor, loop in
        let work = QueueWork(
          thread: thread, parameters: queue, guest: guest, policy: policy, status: status,
          number: index, adopts: adopts)
        switch uplink {
        case .tap(let name):
          work.run(hypervisor, loop) { () throws(NetPortError) in
            let port = try opening.port(uplink, queue: index, ownAddress: nil)
            // A guest that connects anew has not asked for what came before.
            if !adopts { port.discardWaiting() }
            try port.setOffloads(guest.features, of: name)
            return SteeredPort(port, queue: index, exchange: exchange, policy: policy)
          }
        case .packet:
          work.run(hypervisor, loop) { () throws(NetPortError) in
            try opening.port(uplink, queue: index, ownAddress: address)
          }
        case .capture(let name):
          work.run(hypervisor, loop) { () throws(NetPortError) in
            try CapturePort(interface: name, ownAddress: address)
          }
        }
      }
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
