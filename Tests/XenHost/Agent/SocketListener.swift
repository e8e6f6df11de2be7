import Foundation
import Glibc
import Synchronization

/// A listening Unix socket that QEMU connects its character devices to.
///
/// QEMU connects them one after the other, in the order of its command line, so that the order of
/// acceptance tells which is which.
final class SocketListener: Sendable {
  private let descriptor: Int32
  private let isShutDown = Atomic(false)

  /// How long ``shutDown()`` may go unnoticed: a call that waits for a connection to a Unix socket
  /// does not hear of `shutdown(2)`.
  private static let noticeMilliseconds: Int32 = 100

  init(path: String, backlog: Int) throws {
    descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
    guard descriptor >= 0 else { throw POSIXError.current }
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    let capacity = MemoryLayout.size(ofValue: address.sun_path)
    guard path.utf8.count < capacity else { throw POSIXError(.ENAMETOOLONG) }
    unsafe withUnsafeMutableBytes(of: &address.sun_path) { unsafe $0.copyBytes(from: path.utf8) }
    let length = socklen_t(MemoryLayout<sockaddr_un>.size)
    let status = unsafe withUnsafePointer(to: &address) { pointer in
      unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        unsafe bind(descriptor, $0, length)
      }
    }
    guard status == 0, listen(descriptor, Int32(backlog)) == 0 else { throw POSIXError.current }
  }

  deinit { close(descriptor) }

  /// Accepts `count` connections on a thread of its own. Fails when `shutDown` is called.
  func accept(count: Int) async throws -> [SocketStream] {
    try await withCheckedThrowingContinuation { continuation in
      Thread.detachNewThread { [self] in
        continuation.resume(
          with: Result {
            try (0..<count).map { _ in
              try waitForConnection()
              let stream = Glibc.accept(descriptor, nil, nil)
              guard stream >= 0 else { throw POSIXError.current }
              _ = fcntl(stream, F_SETFD, FD_CLOEXEC)
              return SocketStream(descriptor: stream)
            }
          })
      }
    }
  }

  private func waitForConnection() throws {
    var entry = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
    while unsafe poll(&entry, 1, Self.noticeMilliseconds) <= 0 {
      if isShutDown.load(ordering: .relaxed) { throw POSIXError(.ECONNABORTED) }
    }
  }

  /// Ends a pending `accept`.
  func shutDown() { isShutDown.store(true, ordering: .relaxed) }
}

extension POSIXError {
  /// The error that the last system call of this thread left.
  static var current: POSIXError { POSIXError(POSIXErrorCode(rawValue: errno) ?? .EIO) }
}
