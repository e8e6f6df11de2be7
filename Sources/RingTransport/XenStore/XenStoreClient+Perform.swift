import SystemPackage

extension XenStoreClient where Transport: ~Copyable {
  /// Submits a batch and waits for its results: for start-up and for tools, not for event loops.
  ///
  /// Other events that arrive stay queued for ``nextEvent()``. A batch that is not answered in time
  /// reports nothing later; its transaction is undone unless the commit was already on its way,
  /// and single operations that were sent may still take effect.
  ///
  /// - Throws: `.timedOut`, after which the client stays usable, or what ``process()`` throws.
  public mutating func perform(
    _ operations: [XenStoreOperation], transaction: Bool = false, timeoutMilliseconds: Int
  ) throws(XenStoreFailure) -> [Result<XenStoreReply, XenStoreError>] {
    let clock = ContinuousClock()
    let deadline = clock.now.advanced(by: .milliseconds(timeoutMilliseconds))
    let identifier = submit(operations, transaction: transaction)
    while true {
      try process()
      if let results = events.takeCompletion(of: identifier) { return results }
      let remaining = clock.now.duration(to: deadline).components
      let milliseconds = remaining.seconds * 1000 + remaining.attoseconds / 1_000_000_000_000_000
      // The time counts even while input comes: a flood of events must not keep us here.
      guard milliseconds > 0 else {
        abandon(identifier)
        throw .timedOut
      }
      do throws(Errno) {
        _ = try transport.wait(forWriting: wantsToWrite, timeoutMilliseconds: Int(milliseconds))
      } catch {
        throw .transport(error)
      }
    }
  }

  /// Lets go of a batch: nothing more of it is sent, and its replies are swallowed.
  private mutating func abandon(_ identifier: XenStoreBatchIdentifier) {
    batches[identifier]?.isAbandoned = true
    var dropped: [Purpose] = []
    unsentRequests.removeAll { request in
      switch request.purpose {
      case .operation(identifier, _), .listing(identifier, _, _), .start(identifier):
        dropped.append(request.purpose)
        return true
      default:
        return false
      }
    }
    for purpose in dropped {
      finish(purpose, with: .aborted)
    }
  }
}
