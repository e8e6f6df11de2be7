public import SystemPackage

/// What a backend asks of the hypervisor. Real Xen is ``XenHypervisor``; tests bring their own.
///
/// One thread uses an instance.
public protocol Hypervisor: ~Copyable {
  /// Maps `references` of `domain`, in order and contiguously, readable and writable.
  ///
  /// The references are the frontend's word: a bad one is an error, not a trap.
  mutating func map(
    _ references: [GrantReference], of domain: DomainIdentifier
  ) throws(Errno) -> SharedPages

  /// Runs all operations of `batch`. Throws only when the call as a whole failed; otherwise each
  /// operation has its own status.
  mutating func copy(_ batch: inout GrantCopyBatch) throws(Errno)

  /// The grant device, where the kernel may take its copies as commands of an io_uring
  /// (``CallBatch``). Valid as long as the instance.
  var grantDescriptor: Int32? { get }

  /// Binds a new local port to the unbound port `remotePort` that `domain` allocated for us
  /// (`EVTCHNOP_bind_interdomain`). The new port starts pending.
  mutating func bind(
    _ remotePort: EventChannelPort, of domain: DomainIdentifier
  ) throws(Errno) -> EventChannelPort

  /// Closes a local port. The peer's end goes back to unbound.
  mutating func unbind(_ port: EventChannelPort)

  /// Sends an event through a local port, or leaves that to ``takeNotification()``.
  mutating func notify(_ port: EventChannelPort)

  /// The port through which the caller is to send an event, with ``EventLoop/notify(_:)``. Asked
  /// once a turn.
  mutating func takeNotification() -> EventChannelPort?
}

extension Hypervisor where Self: ~Copyable {
  /// For one whose copies are no commands.
  public var grantDescriptor: Int32? { nil }

  /// Runs a batch of which each operation says whether it was done, also where the call as a whole
  /// fails.
  public mutating func copyAll(_ batch: inout GrantCopyBatch) {
    if batch.count == 0 { return }
    do throws(Errno) {
      try copy(&batch)
    } catch {
      // No operation ran, and each of them says so.
    }
  }

  /// For one that sends its events itself.
  public mutating func takeNotification() -> EventChannelPort? { nil }
}
