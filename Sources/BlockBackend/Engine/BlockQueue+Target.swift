import RingTransport
import SystemPackage

/// Handing work to the target, and what becomes of it when the target is lost.
extension BlockQueue {
  /// What becomes of work for the target.
  enum TargetMode: Sendable, Equatable {
    /// It is handed over.
    case working
    /// The target is lost and expected back: requests wait.
    case lost
    /// The target was lost for too long: requests fail.
    case failed
  }

  /// Hands a request to the target, or notes that it waits for room there.
  mutating func startStorage<Storage: BlockStorage & ~Copyable>(
    _ token: Int, storage: inout Storage
  ) {
    requests[token].phase = .storage
    // Those that wait already go first.
    if !storageWaits.isEmpty || !submit(token, storage: &storage) { storageWaits.append(token) }
  }

  /// Hands every token that waits for the target to it, as far as there is room.
  mutating func resubmitWaiting<Storage: BlockStorage & ~Copyable>(storage: inout Storage) {
    var handed = 0
    while handed < storageWaits.count, submit(storageWaits[handed], storage: &storage) {
      handed += 1
    }
    storageWaits.removeFirst(handed)
  }

  /// Hands a request's next operation to the target.
  ///
  /// - Returns: false when the target takes nothing now.
  private mutating func submit<Storage: BlockStorage & ~Copyable>(
    _ token: Int, storage: inout Storage
  ) -> Bool {
    requests[token].phase = .storage
    switch targetMode {
    case .lost: return false
    case .failed:
      finish(token, .error)
      return true
    case .working:
      let operation = requests[token].storageOperation(token: token)
      let isTaken =
        requests[token].isLinked
        ? storage.submit(operation, buffer: buffer, copying: copies, requests[token].copyRange)
        : storage.submit(operation, buffer: buffer)
      guard isTaken else { return false }
      // What is handed over again, after a part of it was done, is copied by us.
      requests[token].isLinked = false
      noteSubmitted()
      return true
    }
  }

  /// Takes in that a request's operation failed since the target is gone. The request waits for it
  /// to come back, and is not answered: a disk that returns has lost nothing, and a guest that is
  /// told of an error gives up its file system.
  mutating func strand(token: Int) {
    precondition(requests[token].phase == .storage, "each operation completes once")
    noteEnded()
    if targetMode == .failed { return finish(token, .error) }
    targetMode = .lost
    stranded.append(token)
  }

  /// Goes on with a target that is open again.
  ///
  /// - Precondition: ``storageCount`` is 0: nothing is left of the time before.
  mutating func resumeTarget() {
    precondition(storageCount == 0, "old operations have ended before the target is open anew")
    targetMode = .working
    storageWaits += stranded
    stranded.removeAll(keepingCapacity: true)
  }

  /// Gives the target up: all that waits for it fails, and so does what comes, until
  /// ``resumeTarget()``.
  mutating func failTarget() {
    targetMode = .failed
    for token in stranded { finish(token, .error) }
    stranded.removeAll(keepingCapacity: true)
  }
}
