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

  /// Takes the next header and frame that waits.
  ///
  /// - Parameter byteCount: the room at `offset`. A longer frame is cut, and then dropped by its
  ///   reader, who sees that the room is full.
  /// - Returns: the size of both, nil when nothing waits.
  mutating func receive(
    into memory: borrowing PrivateMemory, at offset: Int, byteCount: Int
  ) -> Int?
}

/// A port that an event loop can wait for.
protocol PolledPort: NetPort, ~Copyable {
  /// Readable when a frame waits. Valid as long as the port.
  var descriptor: Int32 { get }
}
