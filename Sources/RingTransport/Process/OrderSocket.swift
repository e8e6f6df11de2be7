internal import CLinux
internal import Glibc
public import SystemPackage

/// One end of the connection over which init tells a spare process what to become
/// (`socketpair(2)`, `SOCK_SEQPACKET`). An order is one message, and the status page of the leaf
/// comes with it.
public struct OrderSocket: ~Copyable {
  private let socket: OwnedFileDescriptor

  /// What came over the connection.
  public enum Message: ~Copyable {
    /// What to serve, and the status page if one was passed.
    case order(BackendOrder, status: OwnedFileDescriptor?)
    /// No order, for the reason that the text gives.
    case malformed(String)
    /// The other end is closed: there will be no order.
    case end
  }

  /// Takes over one end.
  public init(adopting socket: consuming OwnedFileDescriptor) {
    self.socket = socket
  }

  /// Makes a connection.
  ///
  /// - Parameter spare: set to the end that a spare is to inherit.
  public init(spare: inout OwnedFileDescriptor?) throws(Errno) {
    var numbers = InlineArray<2, Int32>(repeating: -1)
    // SAFETY: two integers of ours, which the call fills.
    try systemCall {
      var span = numbers.mutableSpan
      return unsafe span.withUnsafeMutableBufferPointer { buffer in
        unsafe c_make_message_sockets(buffer.baseAddress)
      }
    }
    spare = OwnedFileDescriptor(adopting: FileDescriptor(rawValue: numbers[1]))
    socket = OwnedFileDescriptor(adopting: FileDescriptor(rawValue: numbers[0]))
  }

  /// What to poll. Valid as long as the instance.
  public var descriptor: Int32 { socket.rawValue }

  /// Sends an order with a status page. Does not wait.
  ///
  /// - Throws: `brokenPipe` or `connectionReset` when the spare is gone, `messageTooLong` for an
  ///   order that a spare would not take; what the system says otherwise.
  public func send(_ order: BackendOrder, status: borrowing OwnedFileDescriptor) throws(Errno) {
    let bytes = order.bytes
    guard bytes.count <= BackendOrder.byteCountMax,
      order.wordCount <= BackendOrder.wordCountMax
    else { throw .messageTooLong }
    let passed = status.rawValue
    // SAFETY: the call reads the array's bytes and no more.
    try systemCall {
      unsafe bytes.withUnsafeBufferPointer { buffer in
        unsafe c_send_with_descriptor(
          socket.rawValue, buffer.baseAddress, buffer.count, passed)
      }
    }
  }

  /// Waits for the next message.
  public func receive() throws(Errno) -> Message {
    var bytes = [UInt8](repeating: 0, count: BackendOrder.byteCountMax + 1)
    var passed: Int32 = -1
    var isCut: Int32 = 0
    // SAFETY: the call writes into the array, not past its end, and into two integers of ours.
    let count = try systemCall {
      unsafe bytes.withUnsafeMutableBufferPointer { buffer in
        unsafe c_receive_with_descriptor(
          socket.rawValue, buffer.baseAddress, buffer.count, &passed, &isCut)
      }
    }
    var status: OwnedFileDescriptor?
    if passed >= 0 { status = OwnedFileDescriptor(adopting: FileDescriptor(rawValue: passed)) }
    guard count > 0 else { return .end }
    guard isCut == 0, let order = BackendOrder(bytes: Array(bytes.prefix(count))) else {
      return .malformed("\(count) bytes that are no order")
    }
    return .order(order, status: status)
  }
}
