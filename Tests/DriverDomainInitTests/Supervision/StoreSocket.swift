import Glibc
import RingTransport
import SimulatedXen
import SystemPackage

/// A simulated XenStore behind a real socket, for one client in another process.
final class StoreSocket {
  let store = SimulatedXenStore()
  private let listener: OwnedFileDescriptor
  private var stream: FileDescriptor?
  private var transport: SimulatedXenStoreTransport?
  private let domain: DomainIdentifier

  /// Listens at a path, for a domain.
  init(_ path: String, domain: DomainIdentifier) throws {
    self.domain = domain
    store.introduce(domain)
    let number = try systemCall {
      socket(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
    }
    listener = OwnedFileDescriptor(adopting: FileDescriptor(rawValue: number))
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    // SAFETY: the path is copied only as far as the field goes, and the address outlives the calls.
    unsafe withUnsafeMutableBytes(of: &address.sun_path) { field in
      for (index, byte) in path.utf8.prefix(field.count - 1).enumerated() {
        unsafe field[index] = byte
      }
    }
    let byteCount = socklen_t(MemoryLayout<sockaddr_un>.size)
    try systemCall {
      unsafe withUnsafePointer(to: &address) { pointer in
        unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
          unsafe bind(number, $0, byteCount)
        }
      }
    }
    try systemCall { listen(number, 1) }
  }

  deinit {
    try? stream?.close()
  }

  /// Waits a moment, and answers what the client has asked.
  func process() throws {
    let isConnected = stream != nil
    let number = stream?.rawValue ?? listener.rawValue
    var entry = pollfd(fd: number, events: Int16(POLLIN), revents: 0)
    // SAFETY: one entry, ours for the length of the call.
    let count = unsafe poll(&entry, 1, 5)
    if count > 0 {
      if isConnected {
        try read()
      } else {
        stream = FileDescriptor(rawValue: try systemCall { accept(number, nil, nil) })
        transport = store.connect(as: domain)
      }
    }
    try answer()
  }

  private func read() throws {
    guard let stream else { return }
    var buffer = [UInt8](repeating: 0, count: 4096)
    // SAFETY: the call writes at most the buffer's size into it.
    let count = try unsafe buffer.withUnsafeMutableBytes { bytes in
      do {
        return try unsafe stream.read(into: bytes)
      } catch Errno.connectionReset {
        // It went without reading all that we sent: the end as well.
        return 0
      }
    }
    if count == 0 {
      try stream.close()
      self.stream = nil
      transport = nil
      return
    }
    var taken = 0
    while taken < count {
      let bytes = Array(buffer[taken..<count])
      // SAFETY: the bytes outlive the call, which only copies them.
      taken += try transport?.write(unsafe bytes.span.bytes) ?? 0
    }
  }

  private func answer() throws {
    guard let stream else { return }
    var buffer = [UInt8](repeating: 0, count: 4096)
    while true {
      var span = buffer.mutableSpan
      // SAFETY: any byte is a valid UInt8, and the buffer outlives the span.
      var bytes = unsafe span.mutableBytes
      guard let count = try transport?.read(into: &bytes), count > 0 else { return }
      // SAFETY: the call reads as many bytes as were just written. The client may have gone, which
      // is no signal here, and is seen by the next read.
      let sent = unsafe buffer.withUnsafeBytes {
        unsafe send(stream.rawValue, $0.baseAddress, count, Int32(MSG_NOSIGNAL))
      }
      // Far less than a socket's buffer is ever under way.
      guard sent == count else { return }
    }
  }
}
