internal import CLinux
import Glibc
public import SystemPackage

/// The way from Dom0: xenstored's unix socket.
public struct XenStoreSocketTransport: XenStoreTransport, ~Copyable {
  private let descriptor: OwnedFileDescriptor

  /// Connects to the server that listens at `path`.
  public init(path: String = "/run/xenstored/socket") throws(Errno) {
    descriptor = try Self.connect(to: path)
  }

  /// Takes over a connected, non-blocking stream socket.
  public init(adopting descriptor: consuming OwnedFileDescriptor) {
    self.descriptor = descriptor
  }

  /// The socket's descriptor.
  public var fileDescriptor: Int32 { descriptor.rawValue }

  /// Reads with `read(2)`.
  public mutating func read(into buffer: inout MutableRawSpan) throws(Errno) -> Int? {
    try readBytes(of: fileDescriptor, into: &buffer)
  }

  /// Writes with `send(2)`: a server that went away is an error (`EPIPE`), never a signal.
  public func write(_ bytes: RawSpan) throws(Errno) -> Int? {
    let fileDescriptor = fileDescriptor
    // SAFETY: the span keeps the bytes alive, and the kernel only reads them.
    return try nonBlockingSystemCall {
      unsafe bytes.withUnsafeBytes {
        unsafe send(fileDescriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
      }
    }
  }

  private static func connect(to path: String) throws(Errno) -> OwnedFileDescriptor {
    let kind = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
    let number = try systemCall { socket(AF_UNIX, kind, 0) }
    let descriptor = OwnedFileDescriptor(adopting: FileDescriptor(rawValue: number))
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    let bytes = Array(path.utf8) + [0]
    // SAFETY: the path's bytes are written only as far as the field reaches, and the address
    // lives until connect(2) has returned.
    let fits = unsafe withUnsafeMutableBytes(of: &address.sun_path) { field in
      guard bytes.count <= field.count else { return false }
      unsafe field.copyBytes(from: bytes)
      return true
    }
    guard fits else { throw .fileNameTooLong }
    // Connecting to a local socket blocks only while the server's backlog is full; the socket
    // becomes non-blocking after it, as a refused attempt could not be told from a late one.
    try systemCall {
      unsafe withUnsafePointer(to: &address) { address in
        unsafe address.withMemoryRebound(to: sockaddr.self, capacity: 1) {
          unsafe Glibc.connect(number, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
        }
      }
    }
    try systemCall { fcntl(number, F_SETFL, O_NONBLOCK) }
    return descriptor
  }
}
