package import RingTransport

/// What libxl in Dom0 does for disks with a backend in a driver domain: the nodes, the transactions
/// and the waits (`libxl_device.c`, `libxl_disk.c`, `libxl_event.c` of Xen 4.17).
///
/// Watch events are queued until ``process()``, so a test decides how late Dom0 reads; libxl's
/// time-outs are what a test makes of a wait that does not end.
package final class Toolstack {
  /// One disk of one guest.
  package struct Disk: Hashable {
    /// The guest.
    package let guest: DomainIdentifier
    /// The virtual device number, such as 51712 for xvda.
    package let device: Int
    /// The driver domain.
    package let backendDomain: DomainIdentifier

    /// Names a disk.
    package init(guest: DomainIdentifier, device: Int, backendDomain: DomainIdentifier) {
      self.guest = guest
      self.device = device
      self.backendDomain = backendDomain
    }

    /// `/local/domain/N/backend/vbd/G/D`
    package var backendPath: XenStorePath {
      backendDomain.storePath.appending("backend/vbd/\(guest)/\(device)")
    }
    /// `/local/domain/G/device/vbd/D`
    package var frontendPath: XenStorePath {
      guest.storePath.appending("device/vbd/\(device)")
    }
    /// `/libxl/G/device/vbd/D`
    package var libxlPath: XenStorePath {
      XenStorePath("/libxl").appending("\(guest)/device/vbd/\(device)")
    }
  }

  /// How far libxl got with a disk.
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
  private var outcomes: [Disk: Outcome] = [:]
  private var pendingEvents: [(disk: Disk, path: XenStorePath)] = []
  private var observed: Set<Disk> = []

  /// Creates a toolstack.
  package init(_ store: SimulatedXenStore) {
    self.store = store
  }

  /// How far libxl got.
  package func outcome(_ disk: Disk) -> Outcome? {
    outcomes[disk]
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
    store.commit { batch in
      batch.remove(disk.libxlPath)
      batch.makeDirectory(disk.libxlPath, [XenStorePermission(.none, .dom0)])
      batch.write(disk.libxlPath.appending("frontend"), disk.frontendPath.description)
      batch.write(disk.libxlPath.appending("backend"), disk.backendPath.description)
      batch.remove(disk.frontendPath)
      let guest = XenStorePermission(.none, disk.guest)
      let driver = XenStorePermission(.none, disk.backendDomain)
      batch.makeDirectory(
        disk.frontendPath, [guest, XenStorePermission(.read, disk.backendDomain)])
      for (name, value) in front { batch.write(disk.frontendPath.appending(name), value) }
      batch.remove(disk.backendPath)
      batch.makeDirectory(disk.backendPath, [driver, XenStorePermission(.read, disk.guest)])
      for (name, value) in back { batch.write(disk.backendPath.appending(name), value) }
      for (name, value) in back { batch.write(disk.libxlPath.appending(name), value) }
    }
    outcomes[disk] = .waitsForInitWait
    guard observed.insert(disk).inserted else { return }
    store.observe(disk.backendPath) { [unowned self] path in
      pendingEvents.append((disk, path))
    }
  }

  /// `xl block-detach`; forced as `block-detach -f` and domain destruction do it.
  package func detachDisk(_ disk: Disk, isForced: Bool = false) {
    let state = disk.backendPath.appending("state")
    guard let value = store.read(state) else {
      // "backend already removed, cleanup frontend only"
      store.commit { batch in
        batch.remove(emptyBranch(disk.frontendPath))
        batch.remove(emptyBranch(disk.libxlPath))
      }
      outcomes[disk] = .removed
      return
    }
    outcomes[disk] = .waitsForClosed
    store.commit { batch in
      if isForced { batch.remove(disk.frontendPath) }
      batch.write(disk.backendPath.appending("online"), "0")
      if value != "6" { batch.write(state, "5") }
    }
    pendingEvents.append((disk, state))
  }

  /// `xl destroy`: every disk of the guest, forced. The guest itself goes when all are removed
  /// (``finishDestruction(of:)``).
  package func destroyGuest(_ guest: DomainIdentifier) {
    let disks = outcomes.keys.filter { $0.guest == guest && outcomes[$0] != .removed }
    for disk in disks.sorted(by: { $0.device < $1.device }) {
      detachDisk(disk, isForced: true)
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
      let isState = event.path == event.disk.backendPath.appending("state")
      guard isState || event.path == event.disk.backendPath else { continue }
      evaluate(event.disk)
    }
  }

  private func evaluate(_ disk: Disk) {
    let state = store.read(disk.backendPath.appending("state"))
    switch outcomes[disk] {
    case .waitsForInitWait:
      if state == nil { outcomes[disk] = .failed("wanted state 2 but it was removed") }
      if state == "2" { outcomes[disk] = .attached }
    case .waitsForClosed:
      if state == nil { outcomes[disk] = .failed("wanted state 6 but it was removed") }
      if state == "6" { outcomes[disk] = .waitsForRemoval }
    case .waitsForRemoval where store.read(disk.backendPath) == nil:
      store.commit { batch in
        for path in [disk.frontendPath, disk.libxlPath, disk.backendPath] {
          batch.remove(emptyBranch(path))
        }
      }
      outcomes[disk] = .removed
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
