/// What an administrator wants of a running keeper, as a node of XenStore: `ddctl restart` and
/// `ddctl upgrade` write it.
struct KeeperRequest: Equatable {
  enum Kind: Equatable {
    /// Another life of the domain.
    case restart
    /// The same, with the kernel and the ramdisk of a directory.
    case upgrade(directory: String)
  }

  /// Names the request in its answer.
  let identifier: String
  let kind: Kind

  init(identifier: String, kind: Kind) {
    self.identifier = identifier
    self.kind = kind
  }

  /// Reads ``text``; nil where it is something else.
  init?(_ text: String) {
    let words = text.split(separator: " ", maxSplits: 2, omittingEmptySubsequences: false)
    guard words.count >= 2, !words[0].isEmpty else { return nil }
    identifier = String(words[0])
    switch words[1] {
    case "restart" where words.count == 2: kind = .restart
    case "upgrade" where words.count == 3 && words[2].hasPrefix("/"):
      kind = .upgrade(directory: String(words[2]))
    default: return nil
    }
  }

  var text: String {
    switch kind {
    case .restart: "\(identifier) restart"
    case .upgrade(let directory): "\(identifier) upgrade \(directory)"
    }
  }
}
