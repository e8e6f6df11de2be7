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
      if count == byteCount { return count }
      if let count = accept(memory, at: offset, byteCount: count) { return count }
    }
    return nil
  }

  var readsAhead: Bool { port.readsAhead }

  mutating func receive<Xen: Hypervisor & ~Copyable>(
    _ frames: inout [IncomingFrame], into memory: borrowing PrivateMemory,
    copying copies: inout GrantCopyBatch, hypervisor: inout Xen
  ) {
    var handedOver = 0
    while handedOver < frames.count,
      let count = exchange.take(
        for: queue, into: memory, at: frames[handedOver].offset,
        byteCount: frames[handedOver].roomByteCount)
    {
      frames[handedOver].byteCount = count
      handedOver += 1
    }
    port.receive(&frames, into: memory, copying: &copies, hypervisor: &hypervisor)
    for index in handedOver..<frames.count {
      guard let count = frames[index].byteCount, count < frames[index].roomByteCount else {
        continue
      }
      frames[index].byteCount = accept(memory, at: frames[index].offset, byteCount: count)
    }
  }

  func accept(_ memory: borrowing PrivateMemory, at offset: Int, byteCount: Int) -> Int? {
    guard byteCount > VirtualNetworkHeader.byteCount else { return byteCount }
    let frame = memory.bytes.extracting(
      offset + VirtualNetworkHeader.byteCount..<offset + byteCount)
    guard let wanted = policy.queue(of: frame, queueCount: exchange.queueCount), wanted != queue
    else { return byteCount }
    exchange.deliver(memory, at: offset, byteCount: byteCount, to: wanted)
    return nil
  }
}
