import RingTransport

/// The nodes of a domain that is not there any more: whoever ended it did not remove them, or did
/// not come to it. A domain with the same number would trip over them, and Dom0's own drivers
/// hold pages of the dead domain as long as they see them.
struct Leavings {
  let driverDomain: DomainIdentifier

  /// Kinds of Dom0's own backends.
  static let kindCountMax = 64

  /// What is there of them.
  func find<Transport: XenStoreTransport & ~Copyable>(
    in store: inout Store<Transport>
  ) throws(KeeperError) -> [XenStorePath] {
    let kinds = try store.children(
      of: [StorePaths.ownBackends], countMax: Self.kindCountMax)[0]
    var paths = kinds.map {
      StorePaths.ownBackends.appending($0).appending(driverDomain.description)
    }
    paths += [StorePaths.toolstack(driverDomain), StorePaths.domain(driverDomain)]
    let found = try store.values(of: paths)
    return zip(paths, found).compactMap { path, value in value == nil ? nil : path }
      + (try PCIDevices(driverDomain: driverDomain).notes(in: &store))
  }

  /// Removes them; PCI devices are free afterwards.
  ///
  /// - Returns: false when Linux does not let go of a PCI device.
  func remove<Transport: XenStoreTransport & ~Copyable>(
    in store: inout Store<Transport>, _ devices: PCIDevices
  ) throws(KeeperError) -> Bool {
    let isFree = try devices.release(in: &store)
    var paths = try find(in: &store)
    // `/vm/UUID` is named by the domain's own directory only.
    let vm = StorePaths.domain(driverDomain).appending("vm")
    if let text = try store.read(vm), text.hasPrefix("/vm/"), let path = XenStorePath(text) {
      paths.insert(path, at: 0)
    }
    try store.remove(paths)
    return isFree
  }
}
