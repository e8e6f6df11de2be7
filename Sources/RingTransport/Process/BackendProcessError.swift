public import SystemPackage

/// Why a backend process cannot go on.
public enum BackendProcessError: Error, CustomStringConvertible {
  case open(String, Errno)
  case loop(Errno)
  case store(XenStoreFailure)
  /// A spare was told nonsense.
  case order(String)
  case sandbox(SandboxError)

  /// For the log.
  public var description: String {
    switch self {
    case .open(let what, let errno): "cannot open \(what): \(errno)"
    case .loop(let errno): "the event loop failed: \(errno)"
    case .store(let failure): "the connection to XenStore failed: \(failure)"
    case .order(let reason): "the order cannot be followed: \(reason)"
    case .sandbox(let error): "no sandbox (--sandbox off does without): \(error)"
    }
  }
}
