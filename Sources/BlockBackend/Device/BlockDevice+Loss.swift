internal import Glibc
import Logging
import RingTransport
import SystemPackage

/// A target that goes away under its disk: a controller that is reset, taken from the driver domain
/// or unplugged. It is expected back, or this domain is about to die and be born again; so requests
/// wait for it, and the guest sees a pause.
extension BlockDevice where Xen: ~Copyable, Storage: ~Copyable, Transport: ~Copyable {
  /// A target that is gone.
  struct TargetLoss {
    /// When it was noticed.
    var since: UInt64
    /// Whether requests have waited long enough, and fail.
    var isOver = false
  }

  /// How often a lost target is looked for, in nanoseconds: a small part of what a guest would call
  /// a pause, and next to no work.
  static var reopenInterval: UInt64 { 200_000_000 }

  /// Takes in that the target is done with an operation.
  mutating func handleCompletion(token: Int, result: Int) {
    if result < 0, isLoss(Errno(rawValue: CInt(truncatingIfNeeded: -result))) {
      queue?.strand(token: token)
    } else {
      queue?.complete(token: token, result: result)
    }
  }

  /// Whether an operation failed since there is no device any more. One that was removed has no
  /// capacity, whatever error it gives.
  private func isLoss(_ error: Errno) -> Bool {
    error.rawValue == ENODEV || error.rawValue == ENXIO
      || (storage.currentCapacityBytes ?? 0) == 0
  }

  /// Starts to wait for a target that was lost since the last turn.
  mutating func noticeLoss() {
    guard loss == nil, queue?.targetMode == .lost else { return }
    beginLoss()
    if isQuiescing { quiesceLostTarget() }
  }

  /// Starts to wait for a target.
  mutating func beginLoss() {
    log.error(
      "the target is gone; requests wait for it",
      metadata: ["seconds": "\(settings.deviceLossNanoseconds / 1_000_000_000)"])
    loss = TargetLoss(since: now)
    deadlines.set(.reopen, now + Self.reopenInterval)
    deadlines.set(.lossOver, now + settings.deviceLossNanoseconds)
  }

  /// Looks whether the target is back.
  mutating func reopenTarget() {
    guard let loss, let configuration, let geometry else { return }
    deadlines.set(.reopen, now + Self.reopenInterval)
    // What the lost target still has must not meet what is handed over anew.
    guard storageCount == 0 else { return }
    do throws(BlockTargetError) {
      let opened = try storage.open(configuration.target)
      let kept: BlockGeometry
      do throws(BlockPromiseError) {
        kept = try BlockPromises(geometry).keep(in: opened)
      } catch {
        storage.close()
        return logOnce("the target came back as another one", error.description)
      }
      self.geometry = kept
      queue?.geometry = kept
    } catch {
      return
    }
    log.notice(
      "the target is back",
      metadata: ["milliseconds": "\((now - loss.since) / 1_000_000)"])
    self.loss = nil
    deadlines.clear(.reopen)
    deadlines.clear(.lossOver)
    queue?.resumeTarget()
  }

  /// Lets requests fail that have waited long enough. The target is still looked for.
  mutating func endLoss() {
    guard loss != nil else { return }
    log.error("the target did not come back; requests fail")
    loss?.isOver = true
    queue?.failTarget()
  }

  /// What a ring that is connected now does about a target that is gone.
  var targetMode: BlockQueue.TargetMode {
    guard let loss else { return .working }
    return loss.isOver ? .failed : .lost
  }

  /// Ends the wait of a ring that is to be let go of: a guest that closes is not made to wait, and
  /// when the process ends, the next one finds all requests in the ring.
  mutating func quiesceLostTarget() {
    if loss != nil, !lifecycle.isStopping { queue?.failTarget() }
  }

  /// Whether the ring can be let go of with requests in it.
  var canAbandonRequests: Bool {
    lifecycle.isStopping && loss != nil && storageCount == 0
  }

  /// Operations that the target has and has not ended.
  private var storageCount: Int {
    switch queue {
    case .some(let queue): queue.storageCount
    case .none: 0
    }
  }

  /// Logs something that comes again and again, when it is new.
  mutating func logOnce(_ message: Logger.Message, _ reason: String) {
    guard reason != lastReason else { return }
    lastReason = reason
    log.error(message, metadata: ["reason": "\(reason)"])
  }
}
