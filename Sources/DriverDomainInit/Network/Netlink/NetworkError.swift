import SystemPackage

/// Why the kernel could not be told to change a link.
enum NetworkError: Error, Equatable, CustomStringConvertible {
  /// The kernel said no; the detail is its own text, often empty.
  case refused(String, Errno, detail: String)
  /// There is no link of that name.
  case noLink(String)
  /// The link of that name is something else than it should be.
  case wrongKind(String, kind: String, wanted: String)
  /// A driver that holds the kernel's link lock for ever.
  case noAnswer(String)
  /// An answer that makes no sense.
  case malformed(String)
  /// The socket itself failed.
  case socket(Errno)
  /// The TAP driver refused.
  case tap(String, Errno)

  var description: String {
    switch self {
    case .refused(let what, let errno, let detail):
      "cannot \(what): \(errno)" + (detail.isEmpty ? "" : " (\(detail))")
    case .noLink(let name): "there is no network interface \(name)"
    case .wrongKind(let name, let kind, let wanted):
      "\(name) is a \(kind), not a \(wanted); choose another name"
    case .noAnswer(let what):
      "cannot \(what): no answer from the kernel; look for a driver's errors in its log"
    case .malformed(let what): "cannot \(what): the kernel's answer makes no sense"
    case .socket(let errno): "rtnetlink: \(errno)"
    case .tap(let name, .noSuchFileOrDirectory), .tap(let name, .operationNotSupportedByDevice):
      "cannot make the TAP device \(name): the kernel has no TAP driver (module tun)"
    case .tap(let name, let errno): "cannot make the TAP device \(name): \(errno)"
    }
  }
}
