import Foundation

/// One connection: bytes come as an asynchronous sequence, and writing never blocks the caller.
final class SocketStream: Sendable {
  /// What arrives. One consumer.
  let bytes: AsyncStream<[UInt8]>
  private let descriptor: Int32
  private let writes = DispatchQueue(label: "SocketStream.write")

  /// Takes over the descriptor of a connected stream socket.
  init(descriptor: Int32) {
    self.descriptor = descriptor
    let (bytes, arrivals) = AsyncStream<[UInt8]>.makeStream()
    self.bytes = bytes
    // The thread ends with the connection, and QEMU ends with this process.
    Thread.detachNewThread {
      var buffer = [UInt8](repeating: 0, count: 65536)
      while true {
        let count = unsafe buffer.withUnsafeMutableBytes {
          unsafe read(descriptor, $0.baseAddress, $0.count)
        }
        if count < 0 && errno == EINTR { continue }
        if count <= 0 { break }
        arrivals.yield(Array(buffer[..<count]))
      }
      arrivals.finish()
    }
  }

  deinit { close(descriptor) }

  /// Queues `text` to be written. Errors show as the end of `bytes`.
  func write(_ text: String) { write(Array(text.utf8)) }

  /// Queues `content` to be written. Errors show as the end of `bytes`.
  func write(_ content: [UInt8]) {
    writes.async { [self] in
      var rest = content[...]
      while !rest.isEmpty {
        let count = unsafe rest.withUnsafeBytes {
          unsafe send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
        }
        if count < 0 && errno == EINTR { continue }
        if count <= 0 { break }
        rest = rest.dropFirst(count)
      }
    }
  }
}
