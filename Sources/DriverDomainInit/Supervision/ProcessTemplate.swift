import RingTransport
import SystemPackage

/// A process of a backend program that makes spares by copying itself, seen from init.
///
/// It is trusted as init is: no guest has a word in it. Should it not answer all the same, it is
/// killed, and programs are started as if there were none.
final class ProcessTemplate {
  /// The template itself.
  let process: Int32
  private let socket: TemplateSocket
  private var isReady = false

  /// A copy takes milliseconds.
  private static let timeoutMilliseconds: Int32 = 2000

  init(process: Int32, _ socket: consuming TemplateSocket) {
    self.process = process
    self.socket = socket
  }

  /// Makes a spare.
  ///
  /// - Parameter orders: the spare's end of its connection.
  /// - Returns: the process, a child of init's; nil while the template gets ready.
  /// - Throws: when it is of no more use.
  func makeSpare(orders: Int32) throws(Errno) -> Int32? {
    if !isReady { isReady = try socket.isReady() }
    guard isReady else { return nil }
    return try socket.makeSpare(orders: orders, timeoutMilliseconds: Self.timeoutMilliseconds)
  }
}
