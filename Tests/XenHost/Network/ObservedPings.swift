/// Pings from one guest to another, one after the other at the same distance, in which gaps are
/// found by the receiver's clock. The receiver needs the tools (`/tools`).
public struct ObservedPings: Sendable {
  private let sender: Domain
  private let receiver: Domain
  private let address: String
  private let mac: String
  private let intervalMilliseconds: Int
  private let minimumPauseMilliseconds: Int

  /// - Parameters:
  ///   - sender: sends from ``start()`` until it is shut down.
  ///   - receiver: has the address and its interface as `eth0`.
  ///   - minimumPauseMilliseconds: what counts as a gap.
  public init(
    from sender: Domain, to receiver: Domain, address: String, mac: String,
    intervalMilliseconds: Int, minimumPauseMilliseconds: Int
  ) {
    self.sender = sender
    self.receiver = receiver
    self.address = address
    self.mac = mac
    self.intervalMilliseconds = intervalMilliseconds
    self.minimumPauseMilliseconds = minimumPauseMilliseconds
  }

  /// Starts to send and to observe.
  public func start() async throws {
    let seconds = Double(minimumPauseMilliseconds) / 1000
    try await receiver.startObserving(
      "icmp[icmptype] == icmp-echo",
      script: "{ if (last && $1 - last > \(seconds)) print last, $1; last = $1 }")
    // busybox's ping ends when its buffer is full or the neighbour is not to be found: there is
    // much room, and the neighbour is known.
    try await sender.check(
      """
      sysctl -w net.core.wmem_default=4194304
      arp -s \(address) \(mac)
      ping -q -i \(Double(intervalMilliseconds) / 1000) \(address) >/dev/null 2>&1 </dev/null &
      """)
  }

  /// Ends the observation, and returns the gaps.
  public func end() async throws -> [GuestPause] {
    GuestPause.list(try await receiver.endObservation(), unitMicroseconds: 1_000_000)
  }
}
