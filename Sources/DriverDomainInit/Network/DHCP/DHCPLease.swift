/// An address that a server lent us.
struct DHCPLease: Equatable {
  var address: InterfaceAddress
  var router: InternetAddress?
  /// The server's IPv4 address.
  var server: UInt32
  /// Where its packets came from: itself, or the relay on our network.
  var serverHardwareAddress: HardwareAddress
  /// Nil for ever.
  var durationSeconds: UInt32?
  /// Milliseconds of the monotonic clock; nil for never.
  var renewAt: UInt64?
  var rebindAt: UInt64?
  var expiresAt: UInt64?

  /// The address as a number.
  var number: UInt32 { address.address.v4Number ?? 0 }

  /// A server that lends for less makes more traffic than sense.
  static let durationSecondsMin: UInt32 = 60
  private static let infinite = UInt32.max

  /// Reads an offer or an acknowledgement; nil when it lends nothing usable.
  ///
  /// - Parameter now: when the request was sent that it answers: the lease counts from there.
  init?(_ message: DHCPMessage, from hardwareAddress: HardwareAddress, now: UInt64) {
    guard let server = message.number(.server), Self.isUsable(message.yourAddress),
      let mask = message.number(.subnetMask), let prefixLength = Self.prefixLength(mask),
      let address = InterfaceAddress(
        InternetAddress(v4: message.yourAddress), prefixLength: prefixLength),
      let seconds = message.number(.leaseSeconds), seconds >= Self.durationSecondsMin
    else { return nil }
    self.address = address
    self.server = server
    serverHardwareAddress = hardwareAddress
    // A router that is not on this network could not be reached through it.
    router = message.number(.routers).map { InternetAddress(v4: $0) }
      .flatMap { address.contains($0) && $0 != address.address ? $0 : nil }
    if seconds == Self.infinite { return }
    durationSeconds = seconds
    // RFC 2131, 4.4.5: half of the time, and seven eighths, unless the server says otherwise.
    var renewal = UInt64(seconds) / 2
    var rebinding = UInt64(seconds) * 7 / 8
    if let first = message.number(.renewalSeconds), let second = message.number(.rebindingSeconds),
      first > 0, first < second, second < seconds
    {
      (renewal, rebinding) = (UInt64(first), UInt64(second))
    }
    renewAt = now + renewal * 1000
    rebindAt = now + rebinding * 1000
    expiresAt = now + UInt64(seconds) * 1000
  }

  /// An address that one host can have: not of this host, loopback, multicast or reserved.
  private static func isUsable(_ address: UInt32) -> Bool {
    let first = address >> 24
    return first != 0 && first != 127 && first < 224
  }

  /// The bits of a mask without holes; nil for another mask, and for none.
  private static func prefixLength(_ mask: UInt32) -> Int? {
    let length = (~mask).leadingZeroBitCount
    return length > 0 && mask.nonzeroBitCount == length ? length : nil
  }
}
