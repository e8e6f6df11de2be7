public import SystemPackage

/// A way to XenStore that is chosen at run time: the device of a DomU, or a socket.
///
/// One type for both, so that all that is generic over the transport is compiled for it: code that
/// stays generic looks types up at run time, also on the data path.
public enum XenStoreConnection: XenStoreTransport, ~Copyable {
  case device(XenStoreDeviceTransport)
  case socket(XenStoreSocketTransport)

  /// Opens the device, or connects to the socket where one is named.
  public init(socket path: String?) throws(Errno) {
    if let path {
      self = .socket(try XenStoreSocketTransport(path: path))
    } else {
      self = .device(try XenStoreDeviceTransport())
    }
  }

  /// What to poll.
  public var fileDescriptor: Int32 {
    switch self {
    case .device(let device): device.fileDescriptor
    case .socket(let socket): socket.fileDescriptor
    }
  }

  /// As the transport in use does.
  public var answersWithWriteErrors: Bool {
    switch self {
    case .device(let device): device.answersWithWriteErrors
    case .socket(let socket): socket.answersWithWriteErrors
    }
  }

  /// As the transport in use allows.
  public var requestsInFlightMax: Int {
    switch self {
    case .device(let device): device.requestsInFlightMax
    case .socket(let socket): socket.requestsInFlightMax
    }
  }

  /// Reads with `read(2)`.
  public func read(into buffer: inout MutableRawSpan) throws(Errno) -> Int? {
    try readBytes(of: fileDescriptor, into: &buffer)
  }

  /// Writes as the transport in use does.
  public func write(_ bytes: RawSpan) throws(Errno) -> Int? {
    switch self {
    case .device(let device): try device.write(bytes)
    case .socket(let socket): try socket.write(bytes)
    }
  }
}
