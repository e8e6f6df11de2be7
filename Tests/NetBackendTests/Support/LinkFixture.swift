import CLinux
import CNetReference
import Glibc
import RingTransport
import SimulatedXen
import SystemPackage

/// A link `tap0` in a network of its own, and the far end of its wire: what a descriptor of the TAP
/// device reads was sent on the link, and what is written there the link receives.
struct LinkFixture: ~Copyable {
  static let name = "tap0"

  private let wire: OwnedFileDescriptor

  /// Runs a test on a thread with a network of its own; left out where that cannot be had.
  static func run(_ body: @escaping (borrowing LinkFixture) throws -> Void) throws {
    try onOwnThread {
      guard geteuid() == 0, c_leave_network() == 0 else {
        print("left out: no network of our own here")
        return
      }
      let number = unsafe c_open_tap(name)
      guard number >= 0 else {
        print("left out: no TAP devices here")
        return
      }
      let fixture = LinkFixture(
        wire: OwnedFileDescriptor(adopting: FileDescriptor(rawValue: number)))
      let result = unsafe net_reference_bring_up(name)
      guard result == 0 else { throw Errno(rawValue: errno) }
      try body(fixture)
    }
  }

  private init(wire: consuming OwnedFileDescriptor) {
    self.wire = wire
  }

  /// Lets the link receive a frame.
  func put(_ frame: [UInt8]) throws {
    let bytes = [UInt8](repeating: 0, count: VirtualHeader.byteCount) + frame
    let count = unsafe Glibc.write(wire.rawValue, bytes, bytes.count)
    guard count == bytes.count else { throw Errno(rawValue: errno) }
  }

  /// The next frame that was sent on the link and that a test sent: the kernel sends some of its
  /// own. Nil when there is none.
  func take() -> [UInt8]? {
    var bytes = [UInt8](repeating: 0, count: 70_000)
    while true {
      let count = unsafe Glibc.read(wire.rawValue, &bytes, bytes.count)
      guard count > VirtualHeader.byteCount else { return nil }
      let frame = Array(bytes[VirtualHeader.byteCount..<count])
      if frame.count > 14, Array(frame[6..<12]) == Self.guestBytes { return frame }
    }
  }

  /// The guest's address.
  static let guestBytes: [UInt8] = [0x00, 0x16, 0x3e, 1, 2, 3]

  private enum VirtualHeader {
    static let byteCount = 10
  }
}
