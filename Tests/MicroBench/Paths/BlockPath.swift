import RingTransport

/// A disk's whole data path but for grant copy and I/O: a ``BlockQueue`` behind storage that ends
/// everything at once.
final class BlockPath {
  static var paths: [Path] {
    [
      Path(group: .block, key: "read_4k", title: "turns of 32 reads of 4 KiB", limit: 75) {
        try BlockPath().run($0)
      }
    ]
  }

  /// Ends every operation at once.
  private struct InstantStorage: BlockStorage {
    var tokens = InlineArray<32, Int>(repeating: 0)
    var count = 0

    mutating func open(_ request: BlockTarget.Request) throws(BlockTargetError) -> BlockGeometry {
      BlockGeometry(capacityBytes: 1 << 30)
    }
    mutating func close() {}
    var currentCapacityBytes: UInt64? { 1 << 30 }
    mutating func submit(
      _ operation: StorageOperation, buffer: borrowing PrivateMemory
    ) -> Bool {
      tokens[count] = operation.token
      count += 1
      return true
    }
  }

  private static let batch = 32
  private let guest = BenchGuest(pageCount: 2)
  private let slots = BlockSlots()
  private var hypervisor: BenchHypervisor
  private var storage = InstantStorage()
  private var queue: BlockQueue
  private var producer = RingIndex.zero

  private init() throws {
    hypervisor = BenchHypervisor(guest)
    queue = try BlockQueue(
      pages: guest.pages(), abi: .x86Bits64, frontendDomain: DomainIdentifier(rawValue: 1),
      port: EventChannelPort(rawValue: 1), geometry: BlockGeometry(capacityBytes: 1 << 30),
      bufferByteCount: BlockQueue.smallestBufferByteCount)
    slots.fill(guest)
  }

  private func run(_ count: Int) throws -> Cost {
    try Cost.measure(count) {
      for _ in 0..<count / Self.batch {
        slots.renew(Self.batch, from: producer, guest)
        producer = producer.advanced(by: UInt32(Self.batch))
        guest.show(producer)
        _ = try queue.turn(hypervisor: &hypervisor, storage: &storage)
        // Backwards, so that the journal has work.
        for index in 0..<storage.count {
          queue.complete(token: storage.tokens[storage.count - 1 - index], result: 4096)
        }
        storage.count = 0
        _ = try queue.turn(hypervisor: &hypervisor, storage: &storage)
      }
      precondition(queue.isIdle && queue.statistics.errors == 0)
    }
  }
}
