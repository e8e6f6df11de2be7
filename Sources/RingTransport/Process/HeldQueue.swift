internal import CLinux
internal import Glibc
public import SystemPackage

/// A queue of a guest's TAP device, open in init and in each backend of the interface, one after
/// the other. So it does not end with a backend: frames for the guest wait in it for the next.
public final class HeldQueue: Sendable {
  /// The most of one device.
  public static let countMax = 8
  /// As many as there are processors, since each queue has a thread.
  public static var usualCount: Int {
    min(countMax, max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN))))
  }

  private let file: OwnedFileDescriptor

  /// Takes over a descriptor, which does not block.
  public init(_ file: consuming OwnedFileDescriptor) {
    self.file = file
  }

  /// What to read from, write to and poll. Valid as long as the instance.
  public var descriptor: Int32 { file.rawValue }

  /// Has the TAP device put frames into this queue, or into the others only. What waits in a queue
  /// that is detached is lost. Nothing happens to one that is so already.
  public func setAttached(_ isAttached: Bool) throws(Errno) {
    do throws(Errno) {
      try systemCall { c_tap_set_attached(descriptor, isAttached ? 1 : 0) }
    } catch {
      if error != .invalidArgument { throw error }
    }
  }
}
