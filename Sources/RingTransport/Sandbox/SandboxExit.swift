internal import CLinux
internal import SystemPackage

/// The way back from ``Sandbox/prepare()``, for a process that turns out to be one which cannot
/// have a sandbox.
public struct SandboxExit: ~Copyable {
  private let network: OwnedFileDescriptor

  /// Remembers the network that the process is in (`/proc/self/ns/net`).
  public init() throws(SandboxError) {
    do throws(Errno) {
      network = try OwnedFileDescriptor.open("/proc/self/ns/net", .readOnly)
    } catch {
      throw SandboxError(step: "/proc/self/ns/net", errno: error)
    }
  }

  /// Valid as long as the instance.
  var rawValue: Int32 { network.rawValue }

  /// Goes back (`setns(2)`).
  public func leave() throws(SandboxError) {
    do throws(Errno) {
      try systemCall { c_enter_network(network.rawValue) }
    } catch {
      throw SandboxError(step: "setns", errno: error)
    }
  }
}

extension Optional where Wrapped == SandboxExit {
  /// The descriptor of the network, where there is a way back to one.
  var descriptor: Int32? {
    switch self {
    case .some(let exit): exit.rawValue
    case .none: nil
    }
  }
}
