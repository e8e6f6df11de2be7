/// A domain's number (`domid_t`).
public struct DomainIdentifier: Hashable, Sendable, BitwiseCopyable, CustomStringConvertible {
  /// The number, 0 for Dom0.
  public let rawValue: UInt16

  /// Creates an identifier from its number.
  public init(rawValue: UInt16) {
    self.rawValue = rawValue
  }

  /// The number as XenStore paths spell it.
  public var description: String { String(rawValue) }
}

/// A reference into a domain's grant table (`grant_ref_t`): names one of its pages.
public struct GrantReference: Hashable, Sendable, BitwiseCopyable {
  /// The index into the granting domain's table.
  public let rawValue: UInt32

  /// Creates a reference from its index.
  public init(rawValue: UInt32) {
    self.rawValue = rawValue
  }
}

/// An event channel port (`evtchn_port_t`), valid in the one domain that it was allocated in.
public struct EventChannelPort: Hashable, Sendable, BitwiseCopyable {
  /// The port's number.
  public let rawValue: UInt32

  /// Creates a port from its number.
  public init(rawValue: UInt32) {
    self.rawValue = rawValue
  }
}
