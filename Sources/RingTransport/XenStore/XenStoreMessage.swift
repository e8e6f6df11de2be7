import CXen

/// One message of the XenStore wire protocol (`struct xsd_sockmsg` and what follows it).
public struct XenStoreMessage: Hashable, Sendable {
  /// What a message asks or answers (`enum xsd_sockmsg_type`).
  public struct Kind: Hashable, Sendable {
    /// The number on the wire.
    public let rawValue: UInt32

    /// Creates a type from its number on the wire.
    public init(rawValue: UInt32) {
      self.rawValue = rawValue
    }

    private init(_ type: xsd_sockmsg_type) {
      rawValue = type.rawValue
    }

    /// `XS_DIRECTORY`
    public static let directory = Kind(XS_DIRECTORY)
    /// `XS_READ`
    public static let read = Kind(XS_READ)
    /// `XS_GET_PERMS`
    public static let getPermissions = Kind(XS_GET_PERMS)
    /// `XS_WATCH`
    public static let watch = Kind(XS_WATCH)
    /// `XS_UNWATCH`
    public static let unwatch = Kind(XS_UNWATCH)
    /// `XS_TRANSACTION_START`
    public static let transactionStart = Kind(XS_TRANSACTION_START)
    /// `XS_TRANSACTION_END`
    public static let transactionEnd = Kind(XS_TRANSACTION_END)
    /// `XS_GET_DOMAIN_PATH`
    public static let getDomainPath = Kind(XS_GET_DOMAIN_PATH)
    /// `XS_WRITE`
    public static let write = Kind(XS_WRITE)
    /// `XS_MKDIR`
    public static let makeDirectory = Kind(XS_MKDIR)
    /// `XS_RM`
    public static let remove = Kind(XS_RM)
    /// `XS_SET_PERMS`
    public static let setPermissions = Kind(XS_SET_PERMS)
    /// `XS_WATCH_EVENT`
    public static let watchEvent = Kind(XS_WATCH_EVENT)
    /// `XS_ERROR`
    public static let error = Kind(XS_ERROR)
    /// `XS_DIRECTORY_PART`
    public static let directoryPart = Kind(XS_DIRECTORY_PART)
  }

  /// `type`
  public let kind: Kind
  /// `req_id`: chosen by the client, echoed by the server.
  public let requestIdentifier: UInt32
  /// `tx_id`: 0 outside transactions.
  public let transaction: UInt32
  /// What follows the header.
  public let payload: [UInt8]

  /// The size of `struct xsd_sockmsg`.
  public static let headerByteCount = MemoryLayout<xsd_sockmsg>.size
  /// The largest payload that a server may send (`XENSTORE_PAYLOAD_MAX`).
  public static let payloadByteCountMax = Int(XENSTORE_PAYLOAD_MAX)
  /// The largest payload of a request. Linux's xenbus device collects header and payload together
  /// in a buffer of `XENSTORE_PAYLOAD_MAX` bytes, so the header counts too.
  public static let requestPayloadByteCountMax = payloadByteCountMax - headerByteCount

  /// Creates a message.
  public init(kind: Kind, requestIdentifier: UInt32, transaction: UInt32, payload: [UInt8]) {
    self.kind = kind
    self.requestIdentifier = requestIdentifier
    self.transaction = transaction
    self.payload = payload
  }

  /// The bytes on the wire. The header is in native order, which Xen has little-endian everywhere.
  public var bytes: [UInt8] {
    precondition(payload.count <= Self.payloadByteCountMax)
    var bytes: [UInt8] = []
    bytes.reserveCapacity(Self.headerByteCount + payload.count)
    for field in [kind.rawValue, requestIdentifier, transaction, UInt32(payload.count)] {
      for shift in stride(from: UInt32(0), to: 32, by: 8) {
        bytes.append(UInt8(truncatingIfNeeded: field >> shift))
      }
    }
    bytes += payload
    return bytes
  }

  /// The payload as strings that each end with a NUL. The last one's may be missing, for servers
  /// differ in this for replies of one string.
  public var strings: [ArraySlice<UInt8>] {
    if payload.isEmpty { return [] }
    let bytes = payload.last == 0 ? payload.dropLast() : payload[...]
    return bytes.split(separator: 0, omittingEmptySubsequences: false)
  }

  /// Joins strings into a payload, each with its NUL.
  public static func payload(_ strings: String...) -> [UInt8] {
    strings.flatMap { Array($0.utf8) + [0] }
  }
}
