import Glibc
import RingTransport

/// Takes a driver domain's PCI devices from it, with Dom0's xen-pciback.
///
/// `xl destroy` asks the domain first, and waits 10 s for each device of one that does not answer.
/// Here the domain's processors are stopped already, so nobody has to be asked: the nodes go, Linux
/// then resets the devices and gives them back to xen-pciback.
struct PCIDevices {
  let driverDomain: DomainIdentifier
  /// Dom0's sysfs.
  var sysfs = "/sys"

  /// A reset takes 100 ms (PCI Express, function level reset), and some devices are waited for a
  /// second or more.
  static let releaseMillisecondsMax: UInt64 = 10_000
  /// Dom0 makes one directory for all devices of a domain.
  static let directoryCountMax = 64
  /// Devices that libxl has notes of: those that were ever assigned, of a machine's some hundreds.
  static let noteCountMax = 4096
  private static let pollMicroseconds: UInt32 = 2_000

  private var backends: XenStorePath {
    StorePaths.ownBackends.appending("pci").appending(driverDomain.description)
  }

  /// libxl's notes that the domain has a device (`PCI_INFO_PATH` of `libxl_pci.c`): as long as one
  /// is there, libxl takes the device for assigned.
  func notes<Transport: XenStoreTransport & ~Copyable>(
    in store: inout Store<Transport>
  ) throws(KeeperError) -> [XenStorePath] {
    let root = StorePaths.toolstack.appending("pci")
    let names = try store.children(of: [root], countMax: Self.noteCountMax)[0]
    let paths = names.map { root.appending($0).appending("domid") }
    let owners = try store.values(of: paths)
    return zip(paths, owners).compactMap { path, owner in
      owner == driverDomain.description ? path : nil
    }
  }

  /// Takes all devices, and waits until they are free.
  ///
  /// - Returns: false when Linux has not let go of them in time.
  func release<Transport: XenStoreTransport & ~Copyable>(
    in store: inout Store<Transport>
  ) throws(KeeperError) -> Bool {
    let names = try store.children(of: [backends], countMax: Self.directoryCountMax)[0]
    // The link in the list of the bus goes before the driver has let go; what it leads to stays.
    let devices = names.compactMap {
      realPath("\(sysfs)/bus/xen-backend/devices/pci-\(driverDomain)-\($0)")
    }
    try store.remove([
      backends, StorePaths.domain(driverDomain).appending("device/pci"),
      StorePaths.toolstack(driverDomain).appending("device/pci"),
    ])
    let start = MonotonicClock.milliseconds()
    // SAFETY: the call copies the path.
    while devices.contains(where: { unsafe access($0, F_OK) == 0 }) {
      guard MonotonicClock.milliseconds() - start < Self.releaseMillisecondsMax else {
        return false
      }
      usleep(Self.pollMicroseconds)
    }
    // Last: what libxl takes for free is free.
    try store.remove(try notes(in: &store))
    return true
  }

  private func realPath(_ path: String) -> String? {
    // SAFETY: the call gives a string of our own or nil; it is copied and released once.
    guard let resolved = unsafe realpath(path, nil) else { return nil }
    defer { unsafe free(resolved) }
    return unsafe String(cString: resolved)
  }
}
