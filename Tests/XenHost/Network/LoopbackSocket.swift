import Foundation
import Glibc

/// TCP sockets on this machine's loopback addresses, which guests reach as `OutsideNetwork` says.
enum LoopbackSocket {
  /// The two loopback addresses.
  enum Family: Sendable {
    case v4
    case v6
  }

  /// A port of 127.0.0.1 that was free a moment ago.
  static func freePort() throws -> Int {
    let descriptor = try listen(.v4, port: 0)
    defer { close(descriptor) }
    return try port(of: descriptor)
  }

  /// Listens on a port; 0 lets the kernel choose one.
  static func listen(_ family: Family, port: Int) throws -> Int32 {
    let descriptor = try open(family)
    var yes: Int32 = 1
    _ = unsafe setsockopt(
      descriptor, SOL_SOCKET, SO_REUSEADDR, &yes, socklen_t(MemoryLayout<Int32>.size))
    guard unsafe withAddress(family, port, { unsafe bind(descriptor, $0, $1) }) == 0,
      Glibc.listen(descriptor, 16) == 0
    else {
      let error = POSIXError.current
      close(descriptor)
      throw error
    }
    return descriptor
  }

  /// Connects to a port of 127.0.0.1; blocks.
  static func connect(port: Int) throws -> Int32 {
    let descriptor = try open(.v4)
    guard unsafe withAddress(.v4, port, { unsafe Glibc.connect(descriptor, $0, $1) }) == 0 else {
      let error = POSIXError.current
      close(descriptor)
      throw error
    }
    return descriptor
  }

  /// The port that a socket of family v4 is bound to.
  static func port(of descriptor: Int32) throws -> Int {
    var address = sockaddr_in()
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let status = unsafe withUnsafeMutablePointer(to: &address) { pointer in
      unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        unsafe getsockname(descriptor, $0, &length)
      }
    }
    guard status == 0 else { throw POSIXError.current }
    return Int(UInt16(bigEndian: address.sin_port))
  }

  private static func open(_ family: Family) throws -> Int32 {
    let descriptor = socket(
      family == .v4 ? AF_INET : AF_INET6,
      Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
    guard descriptor >= 0 else { throw POSIXError.current }
    return descriptor
  }

  private static func withAddress(
    _ family: Family, _ port: Int, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Int32
  ) -> Int32 {
    switch family {
    case .v4:
      var address = sockaddr_in()
      address.sin_family = sa_family_t(AF_INET)
      address.sin_port = UInt16(port).bigEndian
      address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
      return unsafe withUnsafePointer(to: &address) { pointer in
        unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
          unsafe body($0, socklen_t(MemoryLayout<sockaddr_in>.size))
        }
      }
    case .v6:
      var address = sockaddr_in6()
      address.sin6_family = sa_family_t(AF_INET6)
      address.sin6_port = UInt16(port).bigEndian
      address.sin6_addr = in6addr_loopback
      return unsafe withUnsafePointer(to: &address) { pointer in
        unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
          unsafe body($0, socklen_t(MemoryLayout<sockaddr_in6>.size))
        }
      }
    }
  }
}
