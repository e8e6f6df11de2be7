/// What the state machine hears and says.
extension BackendLifecycle {
  /// What XenStore says about the device at one moment: one read of all of it.
  public struct Observation: Hashable, Sendable {
    /// Whether the backend's own directory is there.
    public var leafExists: Bool
    /// The backend's own `state`, which the toolstack writes too (5, to unplug); nil if missing.
    public var backendState: XenbusState?
    /// The backend's `online`: false once the toolstack wants the device gone.
    public var online: Bool
    /// The frontend's `state`; `.unknown` if missing; nil where the frontend's directory is gone.
    public var frontendState: XenbusState?

    /// Creates an observation.
    public init(
      leafExists: Bool, backendState: XenbusState?, online: Bool, frontendState: XenbusState?
    ) {
      self.leafExists = leafExists
      self.backendState = backendState
      self.online = online
      self.frontendState = frontendState
    }
  }

  /// Why XenStore did not take what was published.
  public enum PublishFailure: Hashable, Sendable {
    /// The leaf is not ours any more: ENOENT or EACCES.
    case leafIsGone
    /// Anything else, such as a used-up quota.
    case refused(String)
  }

  /// What happens to a device.
  public enum Event: Hashable, Sendable {
    /// Something changed in XenStore, or the process has started; everything was read again.
    case observed(Observation)
    /// The target was opened, in answer to ``Action/openTarget``.
    case targetOpened
    /// The target cannot be opened, with a reason for the administrator.
    case targetFailed(String)
    /// XenStore took what the last action published or removed.
    case published
    /// XenStore did not take it.
    case publishFailed(PublishFailure)
    /// The timer that the last ``Action/startTimer(milliseconds:)`` started is over.
    case timerFired
    /// The ring is mapped, the event channel bound, and requests are served.
    case ringConnected
    /// The ring cannot be connected: the frontend's nodes are nonsense, or a grant is refused.
    /// What was mapped until then stays until ``Action/quiesce``, if it was ``Action/connectRing``.
    case ringFailed(String)
    /// The frontend's nodes still name the ring that is connected.
    case ringUnchanged
    /// They name another one.
    case ringChanged
    /// What the frontend changed without a new ring is in force, in answer to
    /// ``Action/reconfigure``.
    case reconfigured
    /// Nothing is in flight, mapped or bound any more, in answer to ``Action/quiesce``.
    case quiesced
    /// The frontend broke the ring protocol; the data path has stopped by itself.
    case violation(String)
    /// The target's capacity is another one than what was published.
    case capacityChanged
    /// The process was asked to end (SIGTERM).
    case stopRequested
  }

  /// What the owner is to do. Each action is answered by one event before the next one comes,
  /// except `startTimer`, which may run beside others, and `exit`.
  public enum Action: Hashable, Sendable {
    /// Open and fence the target. Answered by `targetOpened` or `targetFailed`.
    case openTarget
    /// Write our `state`, with all features in the same transaction where asked.
    /// `.connected` includes the target's sizes. Answered by `published` or `publishFailed`.
    case publish(XenbusState, withFeatures: Bool)
    /// Write `hotplug-status`=error, `hotplug-error` and `error` with the reason, and `state`=6,
    /// in one transaction. Answered like `publish`.
    case publishFailure(String)
    /// Write `sectors` and `state`=4 in one transaction, which tells the frontend to look again.
    /// Answered like `publish`.
    case publishCapacity
    /// Start the one timer, which is never running when this comes. Answered by `timerFired`.
    case startTimer(milliseconds: Int)
    /// Read the frontend's ring nodes, map the ring, bind the event channel, begin to serve.
    /// Answered by `ringConnected` or `ringFailed`.
    case connectRing
    /// Take over the ring that an earlier process served: as `connectRing`, and with the features
    /// that the leaf already promises. Answered by `ringConnected`, or by `ringFailed`, after which
    /// nothing is mapped or bound.
    case adoptRing
    /// Read the frontend's ring nodes and compare. Answered by `ringUnchanged` or `ringChanged`.
    case compareRing
    /// The connected frontend has changed something (state Reconfiguring): read it and put it in
    /// force. Answered by `reconfigured`.
    case reconfigure
    /// Take no more requests, wait for what is in flight, answer it, unmap, unbind. Always follows
    /// a `connectRing`, a failed one too, and an `adoptRing` that was well. Answered by `quiesced`.
    case quiesce
    /// Remove our leaf. Answered like `publish`.
    case removeLeaf
    /// End the process. Nothing comes after it.
    case exit(ExitReason)
  }

  /// Why a backend process ends in good order.
  public enum ExitReason: Hashable, Sendable {
    /// The toolstack took the device away, and we removed our leaf.
    case removed
    /// Somebody else removed our leaf.
    case leafIsGone
    /// The toolstack removed our leaf and created it anew. The new one is for a new process.
    case leafReplaced
    /// The process was asked to end; the leaf stays as it is for the next process.
    case stopped
    /// XenStore refuses even to be told of a failure.
    case storeRefused(String)
  }
}
