public import SystemPackage

/// One end of the connection over which init tells a spare process what to become. An order is one
/// message. The status page of the leaf comes with it, and for an interface the TAP device's
/// queues, which outlive its backends too. After an order ahead, another message says when it is to
/// be followed.
public struct OrderSocket: ~Copyable, Sendable {
  private let socket: MessageSocket

  /// What came over the connection.
  public enum Message: ~Copyable {
    /// What to serve, and what was passed with it.
    case order(BackendOrder, status: OwnedFileDescriptor?, queues: [HeldQueue])
    /// No order, for the reason that the text gives.
    case malformed(String)
    /// The other end is closed: there will be no order.
    case end
  }

  /// Takes over one end.
  public init(adopting socket: consuming OwnedFileDescriptor) {
    self.socket = MessageSocket(adopting: socket)
  }

  /// Makes a connection.
  ///
  /// - Parameter spare: set to the end that a spare is to inherit.
  public init(spare: inout OwnedFileDescriptor?) throws(Errno) {
    socket = try MessageSocket(other: &spare)
  }

  /// What to poll. Valid as long as the instance.
  public var descriptor: Int32 { socket.rawValue }

  /// Sends an order with a status page, and queues where there are any, at most
  /// ``HeldQueue/countMax``. Does not wait.
  ///
  /// - Throws: `brokenPipe` or `connectionReset` when the spare is gone, `messageTooLong` for an
  ///   order that a spare would not take; what the system says otherwise.
  public func send(
    _ order: BackendOrder, status: borrowing OwnedFileDescriptor, queues: [HeldQueue] = []
  ) throws(Errno) {
    let bytes = order.bytes
    guard bytes.count <= BackendOrder.byteCountMax, order.wordCount <= BackendOrder.wordCountMax
    else { throw .messageTooLong }
    try socket.send(bytes, passing: [status.rawValue] + queues.map(\.descriptor))
  }

  /// Tells a process that has an order ahead to follow it now. Does not wait.
  ///
  /// - Throws: as ``send(_:status:queues:)``.
  public func sendTurn() throws(Errno) {
    try socket.send(Self.turn, passing: [])
  }

  /// Waits for its turn.
  ///
  /// - Returns: false when the other end is closed: it will never come.
  func receiveTurn() throws(Errno) -> Bool {
    guard let message = try socket.receive(byteCountMax: Self.turn.count) else { return false }
    guard message.bytes == Self.turn else { throw .protocolError }
    return true
  }

  private static let turn = [UInt8(ascii: "!")]

  /// Waits for the next order.
  public func receive() throws(Errno) -> Message {
    guard var message = try socket.receive(byteCountMax: BackendOrder.byteCountMax) else {
      return .end
    }
    guard !message.isCut, let order = BackendOrder(bytes: message.bytes) else {
      return .malformed("\(message.bytes.count) bytes that are no order")
    }
    return .order(order, status: message.first.take(), queues: message.queues)
  }
}
