/// A message of DHCP (RFC 2131), as far as a client needs it.
///
/// Layout: operation, hardware type, its address length, hops (a byte each); transaction (4 bytes);
/// seconds, flags (2 each); four IPv4 addresses: client, yours, server, relay; hardware address
/// (16 bytes), server name (64), boot file (128), a magic number, options.
struct DHCPMessage: Equatable {
  /// What a message says (option 53).
  enum Kind: UInt8 {
    case discover = 1
    case offer
    case request
    case decline
    case acknowledge
    case refuse
    case release
  }

  /// The options that are used (RFC 2132).
  enum Option: UInt8 {
    case subnetMask = 1
    case routers = 3
    case requestedAddress = 50
    case leaseSeconds = 51
    case overload = 52
    case kind = 53
    case server = 54
    case wishes = 55
    case renewalSeconds = 58
    case rebindingSeconds = 59
    case client = 61
  }

  var isReply = false
  var transaction: UInt32
  /// Since the client began, as it says itself.
  var seconds: UInt16 = 0
  var clientAddress: UInt32 = 0
  var yourAddress: UInt32 = 0
  var hardwareAddress: HardwareAddress
  var options: [UInt8: [UInt8]] = [:]

  private static let fixedByteCount = 236
  private static let magic: [UInt8] = [99, 130, 83, 99]
  private static let ethernet: UInt8 = 1
  private static let pad: UInt8 = 0
  private static let end: UInt8 = 255
  /// Relays exist that drop shorter messages: BOOTP's were of fixed length.
  private static let byteCountMin = 300
  /// No option that is used is longer; lists of routers are cut.
  private static let optionByteCountMax = 255

  var kind: Kind? { self[.kind]?.first.flatMap { Kind(rawValue: $0) } }

  subscript(option: Option) -> [UInt8]? {
    get { options[option.rawValue] }
    set { options[option.rawValue] = newValue }
  }

  /// The number that an option of four bytes holds; of a list the first.
  func number(_ option: Option) -> UInt32? {
    guard let bytes = self[option], bytes.count >= 4 else { return nil }
    return bytes.prefix(4).reduce(0) { $0 << 8 | UInt32($1) }
  }

  /// Sets an option of four bytes.
  mutating func set(_ option: Option, _ number: UInt32) {
    self[option] = InternetAddress(v4: number).bytes
  }

  /// The message as it is sent; options in the order of their numbers, the kind first.
  var encoded: [UInt8] {
    var bytes: [UInt8] = [isReply ? 2 : 1, Self.ethernet, UInt8(HardwareAddress.byteCount), 0]
    bytes += InternetAddress(v4: transaction).bytes
    bytes += [UInt8(seconds >> 8), UInt8(truncatingIfNeeded: seconds), 0, 0]
    for address in [clientAddress, yourAddress, 0, 0] {
      bytes += InternetAddress(v4: address).bytes
    }
    bytes += hardwareAddress.bytes
    bytes += [UInt8](repeating: 0, count: Self.fixedByteCount - bytes.count)
    bytes += Self.magic
    let isKind = { (number: UInt8) in number == Option.kind.rawValue }
    for number in options.keys.sorted(by: { (isKind($0) ? 0 : $0) < (isKind($1) ? 0 : $1) }) {
      let payload = (options[number] ?? []).prefix(Self.optionByteCountMax)
      bytes += [number, UInt8(payload.count)] + payload
    }
    bytes.append(Self.end)
    if bytes.count < Self.byteCountMin {
      bytes += [UInt8](repeating: Self.pad, count: Self.byteCountMin - bytes.count)
    }
    return bytes
  }
}

extension DHCPMessage {
  /// Reads a message; nil for what is none, or not about Ethernet.
  init?(_ bytes: ArraySlice<UInt8>) {
    let fields = LittleEndianBytes(bytes)
    guard bytes.count >= Self.fixedByteCount + Self.magic.count,
      let head = fields[0, 4].map({ Array($0) }), head[0] == 1 || head[0] == 2,
      head[1] == Self.ethernet, head[2] == UInt8(HardwareAddress.byteCount),
      let magic = fields[Self.fixedByteCount, 4], Array(magic) == Self.magic,
      let hardwareAddress = fields[28, HardwareAddress.byteCount].flatMap({ HardwareAddress($0) })
    else { return nil }
    let number = { (offset: Int) -> UInt32 in
      fields.integer(at: offset, as: UInt32.self)?.byteSwapped ?? 0
    }
    self.init(
      isReply: head[0] == 2, transaction: number(4), seconds: UInt16(number(8) >> 16),
      clientAddress: number(12), yourAddress: number(16), hardwareAddress: hardwareAddress)
    readOptions(bytes.dropFirst(Self.fixedByteCount + Self.magic.count))
    // Option 52: more options in the fields of the boot file (1), the server name (2) or both.
    let overload = self[.overload]?.first ?? 0
    if overload & 1 != 0, let file = fields[108, 128] { readOptions(file) }
    if overload & 2 != 0, let name = fields[44, 64] { readOptions(name) }
  }

  /// An option that comes several times is one, in parts (RFC 3396); here only the first counts,
  /// for none that is used is so long. What is cut off ends the list.
  private mutating func readOptions(_ bytes: ArraySlice<UInt8>) {
    var rest = bytes
    while let number = rest.popFirst(), number != Self.end {
      if number == Self.pad { continue }
      guard let count = rest.popFirst(), rest.count >= Int(count) else { return }
      if options[number] == nil { options[number] = Array(rest.prefix(Int(count))) }
      rest = rest.dropFirst(Int(count))
    }
  }
}
