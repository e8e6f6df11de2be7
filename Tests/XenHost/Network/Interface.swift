/// A virtual network interface of a guest.
public struct Interface: Sendable {
  /// The guest's address, six bytes in hexadecimal with colons.
  public var mac: String
  /// The bridge in the backend's domain.
  public var bridge: String
  /// The domain with the backend.
  public var backend: String
  /// The limit of what the guest sends, as `xl` understands it: `10Mb/s`, `1MB/s@20ms`.
  public var rate: String?
  /// The largest payload of a frame in bytes; 1500 without.
  public var mtuBytes: Int?
  /// The guest's addresses, separated by spaces; with some, it may use no others.
  public var addresses: String?

  /// An interface on a bridge of a driver domain.
  public init(
    mac: String, bridge: String, backend: String, rate: String? = nil, mtuBytes: Int? = nil,
    addresses: String? = nil
  ) {
    self.mac = mac
    self.bridge = bridge
    self.backend = backend
    self.rate = rate
    self.mtuBytes = mtuBytes
    self.addresses = addresses
  }

  /// The interface as a configuration file wants it.
  public var text: String { fields.joined(separator: ",") }

  /// The interface as `xl network-attach` wants it: a word each.
  public var words: String { fields.map { "'\($0)'" }.joined(separator: " ") }

  private var fields: [String] {
    var fields = ["mac=\(mac)", "bridge=\(bridge)", "backend=\(backend)"]
    if let rate { fields.append("rate=\(rate)") }
    if let mtuBytes { fields.append("mtu=\(mtuBytes)") }
    if let addresses { fields.append("ip=\(addresses)") }
    return fields
  }
}
