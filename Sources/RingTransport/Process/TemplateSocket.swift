public import SystemPackage
internal import Glibc

/// The connection over which init has a template process make spares: copies of itself, which is
/// much less work than to start a program (`BackendProgram+Template.swift`).
///
/// Init sends a message with one descriptor, the spare's end of its ``OrderSocket``. What comes
/// back are process numbers of four bytes: 0 once, when the template is ready, and then each
/// spare's own, from the spare itself.
public struct TemplateSocket: ~Copyable {
  private let socket: MessageSocket

  private static let request: [UInt8] = [0]
  private static let ready: Int32 = 0

  /// Makes a connection, of which this is init's end.
  ///
  /// - Parameter template: set to the end that the template is to inherit.
  public init(template: inout OwnedFileDescriptor?) throws(Errno) {
    socket = try MessageSocket(other: &template)
  }

  /// Takes over the template's end.
  init(adopting socket: consuming OwnedFileDescriptor) {
    self.socket = MessageSocket(adopting: socket)
  }

  /// Whether the template has said that it is ready. Does not wait. To be asked until it is so.
  public func isReady() throws(Errno) -> Bool {
    guard try socket.isReadable(withinMilliseconds: 0) else { return false }
    guard try receiveNumber() == Self.ready else { throw .protocolError }
    return true
  }

  /// Has a ready template make a spare, and waits until it is there.
  ///
  /// - Parameters:
  ///   - orders: the spare's end of its connection.
  ///   - timeoutMilliseconds: how long to wait; a template does nothing else.
  /// - Returns: the process, a child of the one that started the template.
  /// - Throws: `timedOut`, `brokenPipe` or `connectionReset`: the template is of no more use.
  public func makeSpare(orders: Int32, timeoutMilliseconds: Int32) throws(Errno) -> Int32 {
    try socket.send(Self.request, passing: [orders])
    guard try socket.isReadable(withinMilliseconds: timeoutMilliseconds) else { throw .timedOut }
    let process = try receiveNumber()
    guard process > 0 else { throw .protocolError }
    return process
  }

  /// Says that the template is ready, or which process the new spare is.
  func announce(_ process: Int32 = TemplateSocket.ready) throws(Errno) {
    let bits = UInt32(bitPattern: process)
    let bytes = (0..<4).map { UInt8(truncatingIfNeeded: bits >> (8 * UInt32($0))) }
    try socket.send(bytes, passing: [])
  }

  /// Waits for the next request.
  ///
  /// - Returns: the descriptor that came with it; nil when init's end is closed.
  func nextRequest() throws(Errno) -> OwnedFileDescriptor? {
    guard var message = try socket.receive(byteCountMax: Self.request.count) else { return nil }
    guard let orders = message.first.take() else { throw .protocolError }
    return orders
  }

  private func receiveNumber() throws(Errno) -> Int32 {
    guard let message = try socket.receive(byteCountMax: 4) else { throw .brokenPipe }
    guard message.bytes.count == 4, !message.isCut else { throw .protocolError }
    let bits = message.bytes.reversed().reduce(0 as UInt32) { $0 << 8 | UInt32($1) }
    return Int32(bitPattern: bits)
  }
}
