import SystemPackage

/// Why the network side of a vif cannot be used.
enum NetPortError: Error, Equatable, CustomStringConvertible {
  /// There is no such interface.
  case missing(String)
  case open(String, Errno)
  case offloads(String, Errno)
  /// libpcap's own words.
  case capture(String, reason: String)

  var description: String {
    switch self {
    case .missing(let name):
      "the driver domain has no interface '\(name)'; driver-domain-init makes it"
    case .open(let name, let errno): "cannot open the interface '\(name)': \(errno)"
    case .offloads(let name, let errno): "cannot set the offloads of '\(name)': \(errno)"
    case .capture(let name, let reason): "libpcap cannot open '\(name)': \(reason)"
    }
  }
}
