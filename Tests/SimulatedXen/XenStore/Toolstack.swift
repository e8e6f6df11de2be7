package import RingTransport

/// What libxl in Dom0 does for devices with a backend in a driver domain: the nodes, the
/// transactions and the waits (`libxl_device.c`, `libxl_disk.c`, `libxl_nic.c`, `libxl_event.c` of
/// Xen 4.17).
///
/// Watch events are queued until ``process()``, so a test decides how late Dom0 reads; libxl's
/// time-outs are what a test makes of a wait that does not end.
package final class Toolstack {
  /// One disk or network interface of one guest.
  package struct Device: Hashable {
    /// What it is, as XenStore's paths spell it.
    package enum Kind: String {
      case disk = "vbd"
      case interface = "vif"
    }

    /// What it is.
    package let kind: Kind
    /// The guest.
    package let guest: DomainIdentifier
    /// The virtual device number: 51712 for the disk xvda, 0 for the first interface.
    package let device: Int
    /// The driver domain.
    package let backendDomain: DomainIdentifier

    /// Names a device.
    package init(
      _ kind: Kind = .disk, guest: DomainIdentifier, device: Int, backendDomain: DomainIdentifier
    ) {
      self.kind = kind
      self.guest = guest
      self.device = device
      self.backendDomain = backendDomain
    }

    /// `/local/domain/N/backend/KIND/G/D`
    package var backendPath: XenStorePath {
      backendDomain.storePath.appending("backend/\(kind.rawValue)/\(guest)/\(device)")
    }
    /// `/local/domain/G/device/KIND/D`
    package var frontendPath: XenStorePath {
      guest.storePath.appending("device/\(kind.rawValue)/\(device)")
    }
    /// `/libxl/G/device/KIND/D`
    package var libxlPath: XenStorePath {
      XenStorePath("/libxl").appending("\(guest)/device/\(kind.rawValue)/\(device)")
    }
  }

  /// A device that is a disk.
  package typealias Disk = Device

  /// How far libxl got with a device.
  package enum Outcome: Hashable {
    /// Attaching: waits for state 2.
    case waitsForInitWait
    /// Attached as far as libxl is concerned.
    case attached
    /// Detaching: waits for state 6.
    case waitsForClosed
    /// Detaching: waits for the backend to remove its leaf.
    case waitsForRemoval
    /// Detached, and all nodes gone.
    case removed
    /// ERROR_INVAL, with libxl's reason.
    case failed(String)
  }

  /// The store that Dom0 sees.
  package let store: SimulatedXenStore
  private var outcomes: [Device: Outcome] = [:]
  private var pendingEvents: [(device: Device, path: XenStorePath)] = []
  private var observed: Set<Device> = []

  /// Creates a toolstack.
  package init(_ store: SimulatedXenStore) {
    self.store = store
  }

  /// How far libxl got.
  package func outcome(_ device: Device) -> Outcome? {
    outcomes[device]
  }

  /// `xl block-attach`, or a disk of `xl create`: one transaction, then the wait for state 2.
  package func attachDisk(_ disk: Disk, target: String, isReadOnly: Bool = false) {
    let front: [(String, String)] = [
      ("backend", disk.backendPath.description), ("backend-id", "\(disk.backendDomain)"),
      ("state", "1"), ("virtual-device", "\(disk.device)"), ("device-type", "disk"),
      ("trusted", "1"),
    ]
    let back: [(String, String)] = [
      ("frontend", disk.frontendPath.description), ("params", target),
      ("script", "/etc/xen/scripts/block"), ("frontend-id", "\(disk.guest)"), ("online", "1"),
      ("removable", "0"), ("bootable", "1"), ("state", "1"), ("dev", "xvda"), ("type", "phy"),
      ("mode", isReadOnly ? "r" : "w"), ("device-type", "disk"), ("discard-enable", "1"),
      ("specification", "xen"),
    ]
    attach(disk, front: front, back: back)
  }

  /// The transaction and the wait that all kinds of devices have in common.
  ///
  /// - Parameter sharedFront: nodes below the frontend's path that belong to the driver domain.
  func attach(
    _ device: Device, front: [(String, String)], back: [(String, String)],
    sharedFront: [(String, String)] = []
  ) {
    store.commit { batch in
      batch.remove(device.libxlPath)
      batch.makeDirectory(device.libxlPath, [XenStorePermission(.none, .dom0)])
      batch.write(device.libxlPath.appending("frontend"), device.frontendPath.description)
      batch.write(device.libxlPath.appending("backend"), device.backendPath.description)
      batch.remove(device.frontendPath)
      let guest = XenStorePermission(.none, device.guest)
      let driver = XenStorePermission(.none, device.backendDomain)
      batch.makeDirectory(
        device.frontendPath, [guest, XenStorePermission(.read, device.backendDomain)])
      for (name, value) in front { batch.write(device.frontendPath.appending(name), value) }
      for (name, value) in sharedFront {
        let path = device.frontendPath.appending(name)
        batch.makeDirectory(path, [driver, XenStorePermission(.read, device.guest)])
        batch.write(path, value)
      }
      batch.remove(device.backendPath)
      batch.makeDirectory(device.backendPath, [driver, XenStorePermission(.read, device.guest)])
      for (name, value) in back { batch.write(device.backendPath.appending(name), value) }
      for (name, value) in back { batch.write(device.libxlPath.appending(name), value) }
    }
    outcomes[device] = .waitsForInitWait
    guard observed.insert(device).inserted else { return }
    store.observe(device.backendPath) { [unowned self] path in
      pendingEvents.append((device, path))
    }
  }

  /// `xl block-detach`; see ``detach(_:isForced:)``.
  package func detachDisk(_ disk: Disk, isForced: Bool = false) {
    detach(disk, isForced: isForced)
  }

  /// `xl block-detach` or `network-detach`; forced as domain destruction does it.
  package func detach(_ device: Device, isForced: Bool = false) {
    let state = device.backendPath.appending("state")
    guard let value = store.read(state) else {
      // "backend already removed, cleanup frontend only"
      store.commit { batch in
        batch.remove(emptyBranch(device.frontendPath))
        batch.remove(emptyBranch(device.libxlPath))
      }
      outcomes[device] = .removed
      return
    }
    outcomes[device] = .waitsForClosed
    store.commit { batch in
      if isForced { batch.remove(device.frontendPath) }
      batch.write(device.backendPath.appending("online"), "0")
      if value != "6" { batch.write(state, "5") }
    }
    pendingEvents.append((device, state))
  }

  /// `xl destroy`: every device of the guest, forced. The guest itself goes when all are removed
  /// (``finishDestruction(of:)``).
  package func destroyGuest(_ guest: DomainIdentifier) {
    let devices = outcomes.keys.filter { $0.guest == guest && outcomes[$0] != .removed }
    for device in devices.sorted(by: { $0.backendPath.description < $1.backendPath.description }) {
      detach(device, isForced: true)
    }
  }

  /// The last step of `xl destroy`: the domain's own nodes.
  package func finishDestruction(of guest: DomainIdentifier) {
    store.release(guest)
    store.write(guest.storePath, nil)
    store.write(XenStorePath("/libxl").appending("\(guest)"), nil)
  }

  /// Handles the watch events that have come, as libxl does: reads the state *now*, and takes
  /// nothing but exactly the state that it waits for.
  package func process() {
    let events = pendingEvents
    pendingEvents = []
    for event in events {
      let isState = event.path == event.device.backendPath.appending("state")
      guard isState || event.path == event.device.backendPath else { continue }
      evaluate(event.device)
    }
  }

  private func evaluate(_ device: Device) {
    let state = store.read(device.backendPath.appending("state"))
    switch outcomes[device] {
    case .waitsForInitWait:
      if state == nil { outcomes[device] = .failed("wanted state 2 but it was removed") }
      if state == "2" { outcomes[device] = .attached }
    case .waitsForClosed:
      if state == nil { outcomes[device] = .failed("wanted state 6 but it was removed") }
      if state == "6" { outcomes[device] = .waitsForRemoval }
    case .waitsForRemoval where store.read(device.backendPath) == nil:
      store.commit { batch in
        for path in [device.frontendPath, device.libxlPath, device.backendPath] {
          batch.remove(emptyBranch(path))
        }
      }
      outcomes[device] = .removed
    default:
      break
    }
  }

  /// The path and the parents that are empty without it (`libxl__xs_path_cleanup`).
  private func emptyBranch(_ path: XenStorePath) -> XenStorePath {
    var top = path
    while let parent = top.parent, parent.components.count > 1,
      store.list(parent).allSatisfy({ $0 == top.lastComponent })
    {
      top = parent
    }
    return top
  }
}
