import Foundation

/// QEMU's monitor. Commands are answered one at a time; events are skipped.
actor QMPConnection {
  private let stream: SocketStream
  private var buffer: [UInt8] = []
  private var waiting: [CheckedContinuation<String, any Error>] = []
  private var isClosed = false
  private var closeWaiters: [CheckedContinuation<Void, Never>] = []

  init(stream: SocketStream) {
    self.stream = stream
    Task { [weak self] in
      for await bytes in stream.bytes { await self?.receive(bytes) }
      await self?.close()
    }
  }

  /// Runs a command whose arguments are a JSON object, and returns the reply's JSON text.
  @discardableResult
  func execute(_ command: String, arguments: String = "{}") async throws -> String {
    let reply = try await withCheckedThrowingContinuation {
      (continuation: CheckedContinuation<String, any Error>) in
      guard !isClosed else {
        continuation.resume(throwing: XenHostError.monitorRefused(command: command, reply: "off"))
        return
      }
      waiting.append(continuation)
      stream.write("{\"execute\": \"\(command)\", \"arguments\": \(arguments)}\n")
    }
    if reply.contains("\"error\"") {
      throw XenHostError.monitorRefused(command: command, reply: reply)
    }
    return reply
  }

  /// Waits until QEMU has ended.
  func waitUntilClosed() async {
    if isClosed { return }
    await withCheckedContinuation { closeWaiters.append($0) }
  }

  private func receive(_ bytes: [UInt8]) {
    buffer += bytes
    while let end = buffer.firstIndex(of: 0x0A) {
      let line = String(decoding: buffer[..<end], as: UTF8.self)
      buffer.removeSubrange(...end)
      // Everything else is the greeting or an event.
      if line.hasPrefix("{\"return\"") || line.hasPrefix("{\"error\"") || line.hasPrefix("{\"id\"")
      {
        if !waiting.isEmpty { waiting.removeFirst().resume(returning: line) }
      }
    }
  }

  private func close() {
    isClosed = true
    for continuation in waiting { continuation.resume(returning: "{\"return\": \"closed\"}") }
    waiting = []
    for waiter in closeWaiters { waiter.resume() }
    closeWaiters = []
  }
}
