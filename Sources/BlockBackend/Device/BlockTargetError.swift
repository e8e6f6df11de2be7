import SystemPackage

/// Why a target cannot be served. The text goes to the administrator (`hotplug-error` and the log),
/// so it says what to do.
enum BlockTargetError: Error, Equatable, CustomStringConvertible {
  case notAbsolute(String)
  case missing(String)
  case wrongKind(String)
  case inUse(String)
  case readOnly(String)
  case noDirectIO(String)
  case empty(String)
  case system(String, String, Errno)

  var description: String {
    switch self {
    case .notAbsolute(""):
      "the disk has no target; set target= to a path in the driver domain"
    case .notAbsolute(let path):
      "target '\(path)' is not an absolute path in the driver domain"
    case .missing(let path):
      "target '\(path)' does not exist in the driver domain; "
        + "its data/driver-domain/targets node lists what does"
    case .wrongKind(let path):
      "target '\(path)' is neither a block device nor a regular file"
    case .inUse(let path):
      "target '\(path)' is in use by another disk or mounted in the driver domain"
    case .readOnly(let path):
      "target '\(path)' cannot be written; use access=ro"
    case .noDirectIO(let path):
      "the file system of target '\(path)' has no direct I/O, without which acknowledged writes "
        + "would die with the driver domain"
    case .empty(let path):
      "target '\(path)' holds not one sector"
    case .system(let call, let path, let errno):
      "cannot \(call) target '\(path)': \(errno)"
    }
  }

  /// Whether waiting a moment may help: the last owner may be on its way out.
  var mayPass: Bool {
    if case .inUse = self { true } else { false }
  }
}
