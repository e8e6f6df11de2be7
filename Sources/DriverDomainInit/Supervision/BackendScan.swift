import RingTransport

/// Lists all leaves, level by level: `backend/<kind>`, then guests, then devices. It does no
/// I/O: operations out, results in.
struct BackendScan {
  private enum Level {
    case guests
    case devices([(kind: BackendLeaf.Kind, guest: String)])
  }

  private var level = Level.guests

  /// What came of a step.
  enum Step: Equatable {
    case next([XenStoreOperation])
    case finished([BackendLeaf])
  }

  /// A bound for one listing: more guests or devices than a domain can have (domids end at
  /// 0x7FEF, but each needs nodes of our quota) are not real.
  static let nameCountMax = 1024

  /// All kinds that there are, for a device without a backend is worth a word.
  static let kinds = BackendLeaf.Kind.allCases

  /// The operations of the first step.
  static let firstOperations = Self.kinds.compactMap { kind in
    XenStorePath("backend/\(kind.rawValue)").map { XenStoreOperation.list($0) }
  }

  /// Takes the results of the operations that the last step gave. A directory that vanished
  /// meanwhile is empty.
  mutating func accept(_ results: [Result<XenStoreReply, XenStoreError>]) -> Step {
    let lists = results.map(Self.names)
    switch level {
    case .guests:
      var guests: [(kind: BackendLeaf.Kind, guest: String)] = []
      for (kind, names) in zip(Self.kinds, lists) {
        guests += names.map { (kind, $0) }
      }
      guests = Array(guests.prefix(Self.nameCountMax)).filter {
        XenStorePath("backend/\($0.kind.rawValue)/\($0.guest)") != nil
      }
      if guests.isEmpty { return .finished([]) }
      level = .devices(guests)
      return .next(
        guests.compactMap { kind, guest in
          XenStorePath("backend/\(kind.rawValue)/\(guest)").map { .list($0) }
        })
    case .devices(let guests):
      var leaves: [BackendLeaf] = []
      for ((kind, guest), devices) in zip(guests, lists) {
        leaves += devices.compactMap { device in
          BackendLeaf(kind: kind.rawValue, frontendDomain: guest, device: device)
        }
      }
      return .finished(leaves.prefix(Self.nameCountMax).sorted())
    }
  }

  private static func names(_ result: Result<XenStoreReply, XenStoreError>) -> [String] {
    guard case .success(.list(let names)) = result else { return [] }
    return Array(names.prefix(nameCountMax))
  }
}
