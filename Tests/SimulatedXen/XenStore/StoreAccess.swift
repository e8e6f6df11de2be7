package import RingTransport

/// What a request needs.
enum StoreAccess {
  case read
  case write
  case own
}

/// What a domain may use; the defaults are those of C xenstored.
package struct StoreQuota {
  /// Nodes that an unprivileged domain may own.
  package var nodeCountMax = 1000
  /// The longest value that an unprivileged domain may write.
  package var valueByteCountMax = 2048
  /// Transactions that a connection may have open.
  package var transactionCountMax = 10
  /// Watches that a connection may have.
  package var watchCountMax = 128
}

extension DomainIdentifier {
  /// The control domain.
  package static let dom0 = DomainIdentifier(rawValue: 0)

  /// Whether xenstored lets the domain do everything.
  var isPrivileged: Bool { rawValue == 0 }

  /// Where the domain's nodes are, and what its relative paths are relative to.
  package var storePath: XenStorePath {
    XenStorePath("/local/domain").appending("\(self)")
  }
}

extension XenStorePath {
  init(_ literal: StaticString) {
    self.init(stringLiteral: literal.description)
  }
}

extension [XenStorePermission] {
  /// `perm_for_conn`: the owner may do everything, a listed domain what its entry says, and all
  /// others what the owner's entry says.
  func allow(_ wanted: StoreAccess, _ domain: DomainIdentifier) -> Bool {
    guard let owner = first else { return false }
    if domain.isPrivileged || owner.domain == domain { return true }
    let access = dropFirst().first { $0.domain == domain }?.access ?? owner.access
    return switch wanted {
    case .read: access == .read || access == .both
    case .write: access == .write || access == .both
    case .own: false
    }
  }
}
