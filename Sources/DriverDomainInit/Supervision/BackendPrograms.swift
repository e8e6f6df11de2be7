import Glibc
import RingTransport

/// The backends that are installed; which they are says what the domain serves.
struct BackendPrograms: Equatable {
  /// What a program is for; the raw value is its name.
  enum Role: String, CaseIterable, Comparable {
    case block = "block-backend"
    case network = "net-backend"

    init(_ kind: BackendLeaf.Kind) {
      self = kind.isDisk ? .block : .network
    }

    static func < (left: Role, right: Role) -> Bool { left.rawValue < right.rawValue }
  }

  /// Paths; nil for a backend that is not there.
  var block: String?
  var network: String?

  static let blockOfImage = "/bin/block-backend"
  static let networkOfImage = "/bin/net-backend"

  /// Looks which of the programs can be run.
  static func installed(block: String, network: String) -> BackendPrograms {
    BackendPrograms(
      block: isExecutable(block) ? block : nil, network: isExecutable(network) ? network : nil)
  }

  /// The program for a kind of devices; nil where another domain's backend may serve it.
  func program(for kind: BackendLeaf.Kind) -> String? {
    path(of: Role(kind))
  }

  func path(of role: Role) -> String? {
    switch role {
    case .block: block
    case .network: network
    }
  }

  private static func isExecutable(_ path: String) -> Bool {
    // SAFETY: the string lives for the length of the call and ends in NUL.
    unsafe access(path, X_OK) == 0
  }
}
