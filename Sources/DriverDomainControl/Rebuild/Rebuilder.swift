import Logging
import RingTransport

/// Keeps the copies of leaves, and makes leaves from them.
struct Rebuilder {
  let driverDomain: DomainIdentifier
  let paths: KeeperPaths
  let log: Logger

  /// A guest that removes and makes its directory all the time makes only its own device wait.
  static let attemptCountMax = 5
  /// Nodes of a guest's directory whose access is renewed: a guest with eight queues has about 40.
  static let frontendNodeCountMax = 256

  /// What came of a rebuild.
  struct Outcome: Equatable {
    /// Devices whose leaves were made.
    var rebuilt: [BackendLeaf] = []
    /// Devices that were there.
    var present: [BackendLeaf] = []
    /// Devices that went away meanwhile, or whose guest did not let us.
    var dropped: [BackendLeaf] = []
  }

  private var backends: XenStorePath { StorePaths.domain(driverDomain).appending("backend") }

  /// Copies the leaves that are there. Copies of leaves that are gone stay as long as the guest's
  /// device does: they may be gone because the driver domain is being destroyed.
  func remember<Transport: XenStoreTransport & ~Copyable>(
    in store: inout Store<Transport>
  ) throws(KeeperError) {
    let leaves = try store.leaves(below: backends)
    let kept = try store.leaves(below: paths.promises)
    for (leaf, contents) in leaves where kept[leaf] != contents {
      try write(contents, of: leaf, replacing: kept[leaf], in: &store)
    }
    let gone = Set(kept.keys).subtracting(leaves.keys)
    if gone.isEmpty { return }
    let devices = Set(try store.guestDevices(of: driverDomain).map(\.leaf))
    try forget(gone.subtracting(devices), of: Set(kept.keys), in: &store)
  }

  /// Removes copies, and the directories of guests that have no others.
  private func forget<Transport: XenStoreTransport & ~Copyable>(
    _ leaves: Set<BackendLeaf>, of kept: Set<BackendLeaf>, in store: inout Store<Transport>
  ) throws(KeeperError) {
    let remaining = kept.subtracting(leaves)
    var operations: [XenStorePath] = []
    for leaf in leaves.sorted() {
      operations.append(paths.promises(of: leaf))
      let hasOthers = remaining.contains {
        $0.kind == leaf.kind && $0.frontendDomain == leaf.frontendDomain
      }
      if !hasOthers, let guest = paths.promises(of: leaf).parent { operations.append(guest) }
    }
    try store.remove(operations)
  }

  private func write<Transport: XenStoreTransport & ~Copyable>(
    _ contents: LeafContents, of leaf: BackendLeaf, replacing kept: LeafContents?,
    in store: inout Store<Transport>
  ) throws(KeeperError) {
    let directory = paths.promises(of: leaf)
    var operations: [XenStoreOperation] = []
    for name in (kept?.nodes ?? [:]).keys.sorted() where contents.nodes[name] == nil {
      operations.append(.remove(directory.appending(name)))
    }
    for (name, value) in contents.nodes.sorted(by: { $0.key < $1.key })
    where kept?.nodes[name] != value {
      operations.append(.write(directory.appending(name), value))
    }
    if let error = try store.commit(operations) {
      log.error(
        "cannot note what a guest was promised",
        metadata: ["device": "\(leaf)", "reason": "\(error)"])
    }
  }

  /// Makes the leaves of all guests' devices that have none. It may be repeated.
  func rebuild<Transport: XenStoreTransport & ~Copyable>(
    in store: inout Store<Transport>
  ) throws(KeeperError) -> Outcome {
    let kept = try store.leaves(below: paths.promises)
    var outcome = Outcome()
    var waiting = Set<BackendLeaf>()
    for attempt in 1...Self.attemptCountMax {
      let devices = try store.guestDevices(of: driverDomain)
      if attempt == 1 {
        waiting = Set(devices.map(\.leaf))
        // Guests that died meanwhile are not in the list any more.
        let stale = Set(kept.keys).subtracting(waiting)
        try forget(stale, of: Set(kept.keys), in: &store)
        outcome.dropped = stale.sorted()
      }
      let present = try store.contents(of: waiting.sorted(), below: backends)
      for device in devices where waiting.contains(device.leaf) {
        let plan = RebuildPlan(
          device, of: driverDomain, promises: kept[device.leaf],
          isPresent: present[device.leaf] != nil)
        guard try apply(plan, in: &store) else { continue }
        waiting.remove(device.leaf)
        if plan.contents == nil {
          outcome.present.append(device.leaf)
        } else {
          outcome.rebuilt.append(device.leaf)
        }
      }
      waiting.formIntersection(devices.map(\.leaf))
      if waiting.isEmpty { break }
    }
    for leaf in waiting.sorted() {
      log.error("a guest's device could not be rebuilt", metadata: ["device": "\(leaf)"])
      outcome.dropped.append(leaf)
    }
    return outcome
  }

  private func apply<Transport: XenStoreTransport & ~Copyable>(
    _ plan: RebuildPlan, in store: inout Store<Transport>
  ) throws(KeeperError) -> Bool {
    // The directory first: what the guest creates in it from then on is readable by itself.
    _ = try store.run([plan.permission(for: plan.device.frontend)])
    // Its nodes, and those of each `queue-N` in it; no others have any.
    var level = [plan.device.frontend]
    var count = 0
    while !level.isEmpty {
      let names = try store.children(of: level, countMax: Self.frontendNodeCountMax - count)
      var found: [XenStorePath] = []
      var queues: [XenStorePath] = []
      for (directory, names) in zip(level, names) {
        let paths = names.prefix(Self.frontendNodeCountMax - count - found.count)
          .map { directory.appending($0) }
        found += paths
        if directory == plan.device.frontend {
          queues = zip(names, paths).filter { $0.0.hasPrefix("queue-") }.map(\.1)
        }
      }
      count += found.count
      // What the guest has removed meanwhile needs none.
      _ = try store.run(found.map { plan.permission(for: $0) })
      level = queues
    }
    guard let error = try store.commit(plan.operations) else { return true }
    log.warning(
      "cannot rebuild a device", metadata: ["device": "\(plan.device.leaf)", "reason": "\(error)"])
    return false
  }
}
