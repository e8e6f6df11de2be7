import RingTransport

/// A port of a queue among others: hands frames that the guest wants in another queue to that
/// queue, and takes those that others received for this one.
struct SteeredPort<Port: PolledPort & ~Copyable>: PolledPort, ~Copyable {
  private var port: Port
  private let exchange: FrameExchange
  private let policy: VifPolicy
  private let queue: Int

  /// How many frames one call hands on; the descriptor stays readable for the rest.
  private static var handedOnCountMax: Int { 64 }

  init(
    _ port: consuming Port, queue: Int, exchange: FrameExchange, policy: VifPolicy
  ) {
    self.port = port
    self.queue = queue
    self.exchange = exchange
    self.policy = policy
  }

  var descriptor: Int32 { port.descriptor }

  mutating func send(
    _ memory: borrowing PrivateMemory, at offset: Int, byteCount: Int
  ) -> Bool {
    port.send(memory, at: offset, byteCount: byteCount)
  }

  mutating func send(_ frames: inout [OutgoingFrame], in memory: borrowing PrivateMemory) {
    port.send(&frames, in: memory)
  }

  mutating func receive(
    into memory: borrowing PrivateMemory, at offset: Int, byteCount: Int
  ) -> Int? {
    if let count = exchange.take(for: queue, into: memory, at: offset, byteCount: byteCount) {
      return count
    }
    for _ in 0..<Self.handedOnCountMax {
      guard let count = port.receive(into: memory, at: offset, byteCount: byteCount) else {
        return nil
      }
      guard count > VirtualNetworkHeader.byteCount, count < byteCount else { return count }
      let frame = memory.bytes.extracting(
        offset + VirtualNetworkHeader.byteCount..<offset + count)
      guard let wanted = policy.queue(of: frame, queueCount: exchange.queueCount),
        wanted != queue
      else { return count }
      exchange.deliver(memory, at: offset, byteCount: count, to: wanted)
    }
    return nil
  }
}
