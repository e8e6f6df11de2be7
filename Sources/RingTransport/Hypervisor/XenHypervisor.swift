internal import CXen
internal import Glibc
public import SystemPackage

/// Real Xen, through the stable interfaces `libxengnttab` and `libxenevtchn`
/// (`/dev/xen/gntdev`, `/dev/xen/evtchn`).
///
/// One thread uses an instance. Mappings may outlive it: they keep the grant device open.
@safe public struct XenHypervisor: Hypervisor, ~Copyable {
  private let devices: XenDevices
  private let grants: GrantDevice
  private let events: OpaquePointer
  /// Whether events wait for ``takeNotification()``, and the port of one that does.
  private let defersNotifications: Bool
  private var deferred: EventChannelPort?

  /// Opens both devices.
  public init(defersNotifications: Bool = false) throws(Errno) {
    self.init(try XenDevices(), defersNotifications: defersNotifications)
  }

  /// Uses devices that are open, and leaves them so. No other instance uses them meanwhile.
  ///
  /// - Parameter defersNotifications: whether an event loop sends the events.
  public init(_ devices: XenDevices, defersNotifications: Bool = false) {
    self.devices = devices
    self.defersNotifications = defersNotifications
    grants = devices.grants
    // SAFETY: the handle stays open as long as `devices`, which this instance keeps.
    unsafe events = devices.events
  }

  /// Lets ports be bound to one domain only from now on, for as long as the devices are open.
  public func restrict(to domain: DomainIdentifier) throws(Errno) {
    try devices.restrict(to: domain)
  }

  /// The descriptor from which pending ports are read, as 32-bit numbers, and to which a port is
  /// written back to be unmasked (`xen/sys/evtchn.h`). Valid as long as the instance.
  public var eventDescriptor: Int32 {
    // SAFETY: the handle is open.
    unsafe xenevtchn_fd(events)
  }

  /// See ``Hypervisor/grantDescriptor``.
  public var grantDescriptor: Int32? { grants.descriptor }

  /// See ``Hypervisor/map(_:of:)``; `IOCTL_GNTDEV_MAP_GRANT_REF` and `mmap`.
  public func map(
    _ references: [GrantReference], of domain: DomainIdentifier
  ) throws(Errno) -> SharedPages {
    try grants.map(references, of: domain)
  }

  /// See ``Hypervisor/copy(_:)``; `IOCTL_GNTDEV_GRANT_COPY`.
  public func copy(_ batch: inout GrantCopyBatch) throws(Errno) {
    try grants.copy(&batch)
  }

  /// How often a port is asked for that is in use, a millisecond apart.
  private static let bindAttemptCount = 50

  /// See ``Hypervisor/bind(_:of:)``; `IOCTL_EVTCHN_BIND_INTERDOMAIN`.
  ///
  /// A port that is in use is waited for, for a moment: what the io_uring of a dead process held,
  /// Linux lets go of some time after the process's end.
  public func bind(
    _ remotePort: EventChannelPort, of domain: DomainIdentifier
  ) throws(Errno) -> EventChannelPort {
    var attempt = 1
    while true {
      // SAFETY: the handle is open.
      let port = unsafe xenevtchn_bind_interdomain(
        events, UInt32(domain.rawValue), remotePort.rawValue)
      if port >= 0 { return EventChannelPort(rawValue: UInt32(port)) }
      let error = Errno(rawValue: errno)
      guard error == .invalidArgument, attempt < Self.bindAttemptCount else { throw error }
      attempt += 1
      _ = poll(nil, 0, 1)
    }
  }

  /// See ``Hypervisor/unbind(_:)``; `IOCTL_EVTCHN_UNBIND`.
  public mutating func unbind(_ port: EventChannelPort) {
    if deferred == port { send() }
    // SAFETY: the handle is open; an unknown port is an error return.
    unsafe _ = xenevtchn_unbind(events, port.rawValue)
  }

  /// See ``Hypervisor/notify(_:)``; `IOCTL_EVTCHN_NOTIFY`.
  public mutating func notify(_ port: EventChannelPort) {
    // One at a time waits: that of the other ring of a guest with two ports has to go.
    if deferred != port { send() }
    deferred = port
    if !defersNotifications { send() }
  }

  /// See ``Hypervisor/takeNotification()``.
  public mutating func takeNotification() -> EventChannelPort? { deferred.take() }

  private mutating func send() {
    guard let port = deferred.take() else { return }
    // SAFETY: as above. A dying peer makes it fail, which is the peer's loss.
    unsafe _ = xenevtchn_notify(events, port.rawValue)
  }
}

/// The open devices through which a process speaks with the hypervisor. Whoever may not open files
/// later has them opened in time, one pair for each thread.
///
/// SAFETY of the unchecked Sendable: one ``XenHypervisor`` at a time uses an instance, and so one
/// thread.
@safe public final class XenDevices: @unchecked Sendable {
  fileprivate let grants: GrantDevice
  fileprivate let events: OpaquePointer

  /// Opens them.
  public init() throws(Errno) {
    let device = try GrantDevice()
    // SAFETY: no logger; the handle is closed in `deinit` only.
    guard let handle = unsafe xenevtchn_open(nil, 0) else { throw Errno(rawValue: errno) }
    grants = device
    unsafe events = handle
    // The event loop reads ports when they are there and must never sleep in a read.
    let descriptor = unsafe xenevtchn_fd(handle)
    let flags = fcntl(descriptor, F_GETFL)
    _ = fcntl(descriptor, F_SETFL, flags | O_NONBLOCK)
  }

  deinit {
    // SAFETY: the only owner; closing unbinds all ports.
    unsafe _ = xenevtchn_close(events)
  }

  /// Lets ports be bound to one domain only from now on (`IOCTL_EVTCHN_RESTRICT_DOMID`).
  public func restrict(to domain: DomainIdentifier) throws(Errno) {
    // SAFETY: the handle is open.
    try systemCall { unsafe xenevtchn_restrict(events, domain.rawValue) }
  }
}

/// The open grant device. A class, because every mapping needs it for its own release.
@safe private final class GrantDevice {
  private let handle: OpaquePointer

  init() throws(Errno) {
    // SAFETY: no logger; closed in `deinit` only.
    guard let handle = unsafe xengnttab_open(nil, 0) else { throw Errno(rawValue: errno) }
    unsafe self.handle = handle
  }

  deinit {
    // SAFETY: the last reference is gone, so no mapping is left.
    unsafe _ = xengnttab_close(handle)
  }

  var descriptor: Int32 {
    // SAFETY: the handle is open.
    unsafe xengnttab_fd(handle)
  }

  /// How often to try. Linux's `mmap` of grants gives up with EINTR not for signals alone, but also
  /// for a completion that the thread's io_uring has for it, which it takes in on its way back.
  private static let mapAttemptCount = 100

  func map(
    _ references: [GrantReference], of domain: DomainIdentifier
  ) throws(Errno) -> SharedPages {
    var numbers = references.map(\.rawValue)
    var base: UnsafeMutableRawPointer?
    for _ in 0..<Self.mapAttemptCount {
      // SAFETY: `numbers` holds as many references as are announced, for the time of the call.
      unsafe base = xengnttab_map_domain_grant_refs(
        handle, UInt32(numbers.count), UInt32(domain.rawValue), &numbers, PROT_READ | PROT_WRITE)
      if unsafe base != nil || errno != EINTR { break }
    }
    guard let base = unsafe base else { throw Errno(rawValue: errno) }
    let byteCount = references.count * xenPageByteCount
    // SAFETY: the library mapped that many pages; the closure keeps the handle open until unmapped.
    return unsafe SharedPages(unsafeBase: base, byteCount: byteCount) { base, byteCount in
      unsafe _ = xengnttab_unmap(self.handle, base, UInt32(byteCount / xenPageByteCount))
    }
  }

  func copy(_ batch: inout GrantCopyBatch) throws(Errno) {
    guard batch.count > 0 else { return }
    // SAFETY: the segments are valid for the call; their local addresses lie in live PrivateMemory.
    try unsafe batch.withSegments { segments throws(Errno) in
      let result = unsafe xengnttab_grant_copy(
        handle, UInt32(segments.count), segments.baseAddress)
      guard result == 0 else { throw Errno(rawValue: errno) }
    }
  }
}
