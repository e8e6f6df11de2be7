import RingTransport

/// The queues of a vif and their network side, as the control path sees them: ``ThreadedQueues``,
/// or tests' own.
///
/// One thread uses an instance, that of the control path.
protocol NetQueues: ~Copyable {
  /// Checks that the network side is there.
  mutating func open(_ uplink: NetUplink) throws(NetPortError)

  /// Connects all queues, and begins to serve.
  ///
  /// - Parameter adopts: whether an earlier process has served the rings and died.
  mutating func connect(
    _ parameters: [NetQueueParameters], guest: NetGuest, address: EthernetAddress,
    policy: VifPolicy, adopts: Bool
  ) throws(NetConnectionError)

  /// Stops serving, and lets go of the rings. Also after a failed ``connect``.
  ///
  /// - Returns: what the queues have done.
  mutating func disconnect() -> NetStatistics

  /// Why a queue has stopped by itself, nil while all serve.
  var failure: QueueFailure? { get }

  /// Changes the room in front of received data.
  mutating func setHeadroom(byteCount: Int)
}
