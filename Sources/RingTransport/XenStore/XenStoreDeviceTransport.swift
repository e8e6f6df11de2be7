import Glibc
public import SystemPackage

/// The way from a DomU: Linux's `/dev/xen/xenbus`.
///
/// Facts of `drivers/xen/xenbus/xenbus_dev_frontend.c` that the client is built around: bytes after
/// the end of a message in the same `write` are dropped; header and payload share a buffer of
/// `XENSTORE_PAYLOAD_MAX` bytes; `XS_WATCH` is carried out inside `write`, and where it fails the
/// error comes from `write`; `poll` never reports room for output, for `write` never has to wait
/// for it. Above all, the driver queues a request for its ring thread *by reference* to the buffer
/// that the next `write` fills: a second request before the reply to the first changes the first
/// one's path and value under way, and xenstored, which gets the mixture, has been seen to die of
/// it. So there is one request at a time.
public struct XenStoreDeviceTransport: XenStoreTransport, ~Copyable {
  private let descriptor: OwnedFileDescriptor

  /// Opens the device. Each opening has its own watches and transactions, which end with it.
  public init(path: FilePath = "/dev/xen/xenbus") throws(Errno) {
    descriptor = try OwnedFileDescriptor.open(path, .readWrite, options: .nonBlocking)
  }

  /// The device's descriptor.
  public var fileDescriptor: Int32 { descriptor.rawValue }

  /// The device answers a refused watch with an error of `write(2)`.
  public var answersWithWriteErrors: Bool { true }

  /// One; see above.
  public var requestsInFlightMax: Int { 1 }

  /// Reads with `read(2)`.
  public mutating func read(into buffer: inout MutableRawSpan) throws(Errno) -> Int? {
    try readBytes(of: fileDescriptor, into: &buffer)
  }

  /// Writes with `write(2)`.
  public func write(_ bytes: RawSpan) throws(Errno) -> Int? {
    let fileDescriptor = fileDescriptor
    // SAFETY: the span keeps the bytes alive, and the kernel only reads them.
    return try nonBlockingSystemCall {
      unsafe bytes.withUnsafeBytes { unsafe Glibc.write(fileDescriptor, $0.baseAddress, $0.count) }
    }
  }
}
