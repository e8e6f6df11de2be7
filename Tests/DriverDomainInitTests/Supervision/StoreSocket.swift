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
  private var unsent: [UInt8] = []

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
        // SAFETY: no address is asked for.
        stream = FileDescriptor(rawValue: try systemCall { unsafe accept(number, nil, nil) })
        transport = store.connect(as: domain)
      }
    }
    try answer()
  }

  private func read() throws {
    guard let stream else { return }
    var buffer = [UInt8](repeating: 0, count: 4096)
    // SAFETY: the call writes at most the buffer's size into it.
    let count = try unsafe buffer.withUnsafeMutableBytes { try unsafe stream.read(into: $0) }
    if count == 0 {
      try stream.close()
      self.stream = nil
      transport = nil
      return
    }
    var taken = 0
    while taken < count {
      let bytes = Array(buffer[taken..<count])
      taken += try transport?.write(bytes.span.bytes) ?? 0
    }
  }

  private func answer() throws {
    guard let stream else { return }
    var buffer = [UInt8](repeating: 0, count: 4096)
    while true {
      var span = buffer.mutableSpan
      var bytes = span.mutableBytes
      guard let count = try transport?.read(into: &bytes), count > 0 else { return }
      _ = try stream.writeAll(buffer[..<count])
    }
  }
}
