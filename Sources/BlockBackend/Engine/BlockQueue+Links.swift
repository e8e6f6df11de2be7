import RingTransport

/// Transfers that are handed to the target together with their grant copies, so that they cost no
/// call of their own.
extension BlockQueue {
  /// Readies a transfer's copies to be handed over with it.
  ///
  /// - Returns: false when the target does not take them, or the request begins with
  ///   something else: the copies are made by ``runCopies(_:hypervisor:)`` then.
  mutating func link(_ token: Int) -> Bool {
    guard linksCopies, requests[token].beginsWithTransfer else { return false }
    setCopies(of: token, intoGuest: requests[token].kind == .read)
    requests[token].isLinked = true
    statistics.linked += 1
    return true
  }

  /// Takes in what came of the copies of a linked transfer: a read is done with them. Those that
  /// failed are made again by us, which tells a guest's bad reference from a kernel that does not
  /// take copies so; a write begins only then.
  mutating func completeCopy(token: Int, result: Int) {
    precondition(requests[token].phase == .storage, "each operation completes once")
    noteEnded()
    if result != 0 { statistics.linked -= 1 }
    let isRead = requests[token].kind == .read
    if isRead { requests[token].byteCountDone = requests[token].byteCount }
    switch (isRead, result) {
    case (true, 0):
      statistics.bytesRead += requests[token].byteCount
      finish(token, .okay)
    case (true, _):
      requests[token].phase = .returningData
      dataReturns.append(token)
    case (false, _):
      requests[token].phase = .fetchingData
      dataFetches.append(token)
    }
  }
}
