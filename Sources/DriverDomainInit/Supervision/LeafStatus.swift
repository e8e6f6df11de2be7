import RingTransport
import SystemPackage

/// A leaf's status page, which init keeps for all its processes, one after the other.
final class LeafStatus {
  /// What processes get.
  let file: OwnedFileDescriptor
  private let page: StatusPageReader

  init() throws(Errno) {
    let file = try StatusPage.makeMemory()
    let page = try StatusPageReader(file.rawValue)
    self.file = file
    self.page = page
  }

  /// The sums over all processes that have had the page.
  func statistics() -> [UInt64] {
    (0..<StatusLayout.statisticCount).map { page.statistic($0) }
  }

  /// The heartbeats of all threads; nil for a thread that there is not.
  func heartbeats() -> [UInt64?] {
    (0..<StatusLayout.threadCount).map { page.heartbeatCount(of: $0) }
  }
}

/// Init's end of the connection to a spare process. When it goes, a spare without an order ends.
final class SpareConnection {
  private let socket: OrderSocket

  init(_ socket: consuming OrderSocket) {
    self.socket = socket
  }

  /// Tells the spare what to become. Does not wait.
  func send(
    _ order: BackendOrder, _ status: LeafStatus, _ queues: [HeldQueue]
  ) throws(Errno) {
    try socket.send(order, status: status.file, queues: queues)
  }

  /// Tells a successor that it is its turn. Does not wait.
  func sendTurn() throws(Errno) { try socket.sendTurn() }
}
