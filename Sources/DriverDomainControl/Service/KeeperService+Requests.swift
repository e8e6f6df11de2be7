import Logging
import RingTransport

/// What administrators want: `ddctl restart`, `ddctl upgrade`.
extension KeeperService where Tools: ~Copyable, Transport: ~Copyable {
  /// Judges a request before anything is done for it.
  ///
  /// - Returns: whether the domain is to be restarted. One that is refused is answered here, and
  ///   everything stays as it is.
  mutating func accept(_ text: String) throws(KeeperError) -> Bool {
    guard let request = KeeperRequest(text) else {
      try store.remove([paths.request])
      return false
    }
    if acceptedRequest == request { return true }
    openRequest = request.identifier
    guard let description = describe() else {
      try refuse("xl does not accept the configuration")
      return false
    }
    if case .upgrade(let directory) = request.kind {
      let upgrade = ImageUpgrade(files: subject.images)
      do throws(KeeperError) {
        try upgrade.prepare(from: directory)
      } catch {
        try refuse("\(error)")
        return false
      }
    }
    self.description = description
    acceptedRequest = request
    return true
  }

  /// The restart that was wanted is under way: what remains of it is to be found in the world.
  mutating func beginRequest() throws(KeeperError) {
    guard let request = acceptedRequest else { return }
    if case .upgrade(let directory) = request.kind {
      let upgrade = ImageUpgrade(files: subject.images)
      // Noted first: who finds the note can go back, whatever has been done.
      try store.write(paths.upgrade, directory)
      self.upgrade = upgrade
      try upgrade.install()
    }
    acceptedRequest = nil
    try store.remove([paths.request])
  }

  /// The new image did not come to serve: the old one is put back. Does nothing without an upgrade.
  mutating func rollBackUpgrade() throws(KeeperError) {
    guard let upgrade else { return }
    log.error("the new image does not serve: the old one is put back")
    do throws(KeeperError) {
      try upgrade.rollBack()
    } catch {
      log.critical("the old image cannot be put back", metadata: ["reason": "\(error)"])
    }
    self.upgrade = nil
    try store.remove([paths.upgrade])
    try answer("failed: the new image does not serve; the old one is back")
  }

  private mutating func refuse(_ reason: String) throws(KeeperError) {
    log.error("request refused", metadata: ["reason": "\(reason)"])
    try store.remove([paths.request])
    try answer("refused: \(reason)")
  }

  /// Tells whoever waits; the first answer counts.
  mutating func answer(_ text: String) throws(KeeperError) {
    guard let identifier = openRequest else { return }
    openRequest = nil
    try store.write(paths.answer, "\(identifier) \(text)")
  }
}
