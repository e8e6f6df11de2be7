import RingTransport

/// Where a vif's frames go to and come from.
///
/// Every frame has a virtio header (``VirtualNetworkHeader``) directly in front of it. One thread
/// uses an instance.
protocol NetPort: ~Copyable {
  /// Sends a header and its frame, which lie at `offset`.
  ///
  /// - Returns: false when it was not taken; it is dropped then, as any network does.
  mutating func send(
    _ memory: borrowing PrivateMemory, at offset: Int, byteCount: Int
  ) -> Bool

  /// Sends several, in their order, and notes of each whether it was taken.
  mutating func send(_ frames: inout [OutgoingFrame], in memory: borrowing PrivateMemory)

  /// Takes the next header and frame that waits.
  ///
  /// - Parameter byteCount: the room at `offset`. A longer frame is cut, and then dropped by its
  ///   reader, who sees that the room is full.
  /// - Returns: the size of both, nil when nothing waits.
  mutating func receive(
    into memory: borrowing PrivateMemory, at offset: Int, byteCount: Int
  ) -> Int?

  /// Whether frames that wait can be taken in the call that copies those before them to the guest,
  /// and the next one in the call that waits for it.
  var readsAhead: Bool { get }

  /// Makes copies to the guest, if there are any, and takes frames that wait, one for each place.
  mutating func receive<Xen: Hypervisor & ~Copyable>(
    _ frames: inout [IncomingFrame], into memory: borrowing PrivateMemory,
    copying copies: inout GrantCopyBatch, hypervisor: inout Xen
  )

  /// Judges a header and a frame that were read into `memory` from the port's descriptor.
  ///
  /// - Returns: the size of both, nil when the frame is not for this queue.
  mutating func accept(
    _ memory: borrowing PrivateMemory, at offset: Int, byteCount: Int
  ) -> Int?
}

/// A place for a header and a frame, and whether some have come.
struct IncomingFrame {
  /// Where the place is, and how large.
  let offset: Int
  let roomByteCount: Int
  /// The size of both; nil when none have come.
  var byteCount: Int?
}

/// A header and a frame that are to be sent.
struct OutgoingFrame {
  /// Where they lie, and how many bytes they are.
  var offset: Int
  var byteCount: Int
  /// Which packet of the turn it is.
  var packet: Int
  /// Whether the port has taken it.
  var wasTaken = false
}

extension NetPort where Self: ~Copyable {
  var readsAhead: Bool { false }

  mutating func receive<Xen: Hypervisor & ~Copyable>(
    _ frames: inout [IncomingFrame], into memory: borrowing PrivateMemory,
    copying copies: inout GrantCopyBatch, hypervisor: inout Xen
  ) {
    hypervisor.copyAll(&copies)
    for index in frames.indices {
      frames[index].byteCount = receive(
        into: memory, at: frames[index].offset, byteCount: frames[index].roomByteCount)
      if frames[index].byteCount == nil { return }
    }
  }

  func accept(_ memory: borrowing PrivateMemory, at offset: Int, byteCount: Int) -> Int? {
    byteCount
  }

  mutating func send(_ frames: inout [OutgoingFrame], in memory: borrowing PrivateMemory) {
    for index in frames.indices {
      frames[index].wasTaken = send(
        memory, at: frames[index].offset, byteCount: frames[index].byteCount)
    }
  }
}

/// A port that an event loop can wait for.
protocol PolledPort: NetPort, ~Copyable {
  /// Readable when a frame waits. Valid as long as the port.
  var descriptor: Int32 { get }
}
