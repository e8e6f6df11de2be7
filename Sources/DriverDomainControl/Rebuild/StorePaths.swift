import RingTransport

/// Where things are in XenStore.
enum StorePaths {
  private static let domains: XenStorePath = "/local/domain"
  private static let toolstackNotes: XenStorePath = "/libxl"

  /// Dom0's own backends, by kind.
  static let ownBackends: XenStorePath = "/local/domain/0/backend"
  /// libxl's own notes of all domains, which only Dom0 may read.
  static let toolstack = toolstackNotes
  /// What `ddctl` keeps of all driver domains, which only Dom0 may read.
  static let keepers: XenStorePath = "/tool/driver-domains"

  /// A domain's directory.
  static func domain(_ domain: DomainIdentifier) -> XenStorePath {
    domains.appending(domain.description)
  }

  /// libxl's own notes of a domain.
  static func toolstack(_ domain: DomainIdentifier) -> XenStorePath {
    toolstackNotes.appending(domain.description)
  }

  /// The backend directory of a device.
  static func leaf(_ leaf: BackendLeaf, in driverDomain: DomainIdentifier) -> XenStorePath {
    domain(driverDomain).appending(leaf.path.description)
  }
}

/// What `ddctl` keeps of one driver domain in XenStore: it lives as long as the guests do, at the
/// longest until Dom0 is booted again.
struct KeeperPaths: Equatable {
  let root: XenStorePath

  /// - Parameter name: the driver domain's, which has to be a XenStore name (``isUsable(name:)``).
  init(name: String) {
    root = StorePaths.keepers.appending(name)
  }

  /// Whether nodes can have the name.
  static func isUsable(name: String) -> Bool {
    !name.contains("/") && XenStorePath("/" + name) != nil
  }

  /// The domain's number.
  var domain: XenStorePath { root.appending("domid") }
  /// The identity of the domain that was created last, and how far it was brought: ``Life``.
  var life: XenStorePath { root.appending("life") }
  /// What the keeper does.
  var activity: XenStorePath { root.appending("activity") }
  /// The keeper's process.
  var process: XenStorePath { root.appending("pid") }
  /// What somebody wants: ``KeeperRequest``.
  var request: XenStorePath { root.appending("request") }
  /// What became of it.
  var answer: XenStorePath { root.appending("answer") }
  /// How often the domain was created anew, and how long the parts of the last time took.
  var restarts: XenStorePath { root.appending("restarts") }
  var lastRestart: XenStorePath { root.appending("last-restart") }
  /// The same for programs: ``RestartTimes/Result/fields``.
  var lastRestartTimes: XenStorePath { root.appending("last-restart-microseconds") }
  /// The image that is being tried, and the one that it takes the place of.
  var upgrade: XenStorePath { root.appending("upgrade") }
  /// What guests have been promised: a copy of each leaf.
  var promises: XenStorePath { root.appending("promises") }

  /// The copy of a leaf.
  func promises(of leaf: BackendLeaf) -> XenStorePath {
    promises.appending(leaf.kind.rawValue).appending(leaf.frontendDomain.description)
      .appending(String(leaf.device))
  }
}

extension Store where Transport: ~Copyable {
  /// The number of the driver domain that a service of this name has kept; nil when there was none
  /// since Dom0 was booted.
  mutating func notedDomain(named name: String) throws(KeeperError) -> DomainIdentifier? {
    guard let number = try read(KeeperPaths(name: name).domain).flatMap({ UInt16($0) }),
      KeeperConfiguration.domainRange.contains(number)
    else { return nil }
    return DomainIdentifier(rawValue: number)
  }
}
