import RingTransport

/// Why something that `ddctl` was to do did not work.
enum KeeperError: Error, Equatable, CustomStringConvertible {
  /// The connection to XenStore is of no use any more.
  case store(XenStoreFailure)
  /// A call of libxl failed with a code of `enum libxl_error`. libxl has written the reason to
  /// standard error.
  case toolstack(operation: String, code: Int32)
  /// `xl` does not accept the configuration, and none was accepted before.
  case noDescription
  /// Linux has not let go of a PCI device.
  case deviceNotReleased
  /// Somebody else's domain has the number.
  case numberTaken(DomainIdentifier, by: String)
  /// The domain runs with another number than the configuration says.
  case otherNumber(name: String, is: DomainIdentifier, wanted: DomainIdentifier)
  /// Another service keeps the domain.
  case alreadyKept(String)
  /// The files of an image could not be replaced.
  case image(String)

  /// Whether trying again in the same process makes no sense.
  var isFinal: Bool {
    switch self {
    case .store, .numberTaken, .otherNumber, .alreadyKept: true
    case .toolstack, .noDescription, .deviceNotReleased, .image: false
    }
  }

  var description: String {
    switch self {
    case .store(let failure): "XenStore: \(failure)"
    case .toolstack(let operation, let code): "\(operation) failed (libxl error \(code))"
    case .noDescription: "xl does not accept the configuration"
    case .deviceNotReleased:
      "Linux has not let go of a PCI device; see the kernel's log in Dom0"
    case .numberTaken(let domain, let name):
      "domain \(domain) is '\(name)': choose another ddctl_domid"
    case .otherNumber(let name, let domain, let wanted):
      "'\(name)' runs as domain \(domain), not as \(wanted) (ddctl_domid): shut it down first"
    case .alreadyKept(let name): "another ddctl keeps '\(name)'"
    case .image(let reason): reason
    }
  }
}
